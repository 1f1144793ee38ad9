"""What people see: tables of finished strings, one renderer a format."""
