"""What people worked out: their sheets, put beside ours."""
