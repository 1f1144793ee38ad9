"""The vocabulary of attacks: pieces of names, numbers and documents, and words that have hurt programs before."""

from __future__ import annotations

__all__ = ["CLOSERS", "FIELDS", "LITERALS", "NASTY", "NUMBERS", "TOKENS", "VALUES"]

# fmt: off
NUMBERS = (
    "nan", "inf", "-inf", "-0", "0", "1e400", "1e-400", "9**9**9", "1e99999999", "1e-99999999", "1/0", "0/0",
    "7" * 5000, "0x10", "1_0", "\u0661\u0662", "\u221e", "\uff11\uff0e\uff15", "1,5", "1.234.567,8", "1 234", "1'234",
    "+1", "--1", "1.", ".5", "\u22121", "\u20131", "1e5e5", "1\u00d710^{-3}", "1*10^(-3)", "2^10", "2^9999",
    "10^99999999", "99999999!", "1%", "1±0.1", "1/3", "1 1/2", "\u00bd", "5e-324", "1.7976931348623157e308",
    "0." + "0" * 400 + "1", "true", "null", "\u2460", "1..2", "1:2",
)
TOKENS = (
    "\\frac", "\\dfrac", "\\tfrac", "\\partial", "\\delta", "\\sigma", "\\Delta", "\\eta", "\\nabla", "\\sum_k",
    "\\sum_{k=1}^{3}", "\\text{", "\\mathrm{", "\\mathbf{", "\\hat{", "\\bar{", "\\tilde{", "\\sqrt{", "\\exp",
    "\\tanh", "\\left(", "\\right)", "\\left.", "\\begin{bmatrix}", "\\end{bmatrix}", "\\begin{align}", "\\end{align}",
    "\\begin{tabular}{ll}", "\\end{tabular}", "\\multicolumn{2}{c}{", "\\begin{cases}", "\\begin{array}{c}",
    "\\underbrace{", "\\overbrace{", "\\label{", "\\hline", "\\\\", "\\\\[", "\\(", "\\)", "\\[", "\\]", "\\def\\a{",
    "\\newcommand{", "\\input{/etc/passwd}", "\\verb|", "\\cdot", "\\times", "\\approx", "\\quad", "\\,", "\\;", "\\ ",
    "\\", "{", "}", "(", ")", "[", "]", "^", "_", "^{", "_{", "^{(1)}", "_{11}", "^{[1]}", "^T", "^{-1}", "'", "''",
    "\u2032", "\u00b2", "\u2081", "\u2202", "\u03c3", "\u03b4", "\u0394", "\u03b7", "\u2212", "\u00d7", "\u00b7",
    "\u2248", "\u2190", "\u2192", "\u2211", "\u221a", "\u2207", "\u03c3'", "h'(", "f'(", "_new", "new", "old", "*",
    "**", "+", "-", "--", "/", "//", "=", "==", ":=", "!=", "<-", "->", "~", "!", "@", "#", "%", "&", "|", "||", ",",
    ";", ":", ".", "..", "...", "$", "$$", "`", "```", "```python\n", "~~~\n", "\n", "\n\n", "\r", "\r\n", "\t", " ",
    "  ", "\u00a0", "\u3000", "\u200b", "\ufeff", "- ", "* ", "> ", "1. ", "# ", "| ", "|---|", ":-:", "<table>",
    "<tr>", "<td>", "</td>", "<td colspan=99999>", "<td rowspan='99999'>", "<br>", "<!--", "-->", "<sub>", "</sub>",
    "<sup>", "<script>", "&amp;", "&#x41;", "&#99999999;", "E", "z1[1]", "delta2[1]", "dW1[1,2]", "W1_new[1,1]", "a_1",
    "w_{11}^{(1)}", "z^{[1]}_2", "dE/dw11", "d", "da/d", "dz1", "net_{h1}", "out_{o1}", "E_{total}", "x1", "t", "b",
    "e", "eta", "slope1[1]", "E#2", "E@9", "E#99999999", "z1[99999]", "dW1[1,", "dW1[0,0]", "z[1][1]", "x[1]", "y_hat",
    "Wji", "0.5", "1", "9", "11", "2.183", "1e5", "10^{-5}", "step 2", "sample 2", "epoch 99999999", "of hidden unit 1",
    "delta of output 2", "the weight", "gradient of", "partial E / partial w", "Layer 1:", "bias", "sigmoid", "exp(",
    "1/(1+e^{", "max(0,", "log(", "ln", "id", "name", "value", "quantity", "Answer:", "notation: ng",
    "# notation: zz\n",
)
CLOSERS = (
    "!", "=", "\n", ")", "]", "}", "\\", "'", "$", "#", "a", " ", "1", "", "", "@", "\u00e9", "|", "x\n", "= 1\n",
    ",1\n",
)
NASTY = (
    "", " ", '"', "'", '"""', "\0", "\x1b[2J", "\x1b]0;owned\x07", "\x07", "\x08", "\x7f", "\x85", "\x9b31m", "\u202e",
    "\u2066", "\u200f", "\u2028", "\ud7ff", "\ufffe", "\U0001f600", "e\u0301" * 20, "\u0300" * 50, "\ufdfa", "\u0130",
    "\u00df", "\ufb01", "\u0600", "\U000e0041", "id,", "=cmd()", "=1+1", " =1+1", "@SUM(A1)", "+1", "\t=1", "${jndi:x}",
    "{{7*7}}", "{% for %}", "%s%n", "__import__('os').system('x')", "lambda:0", "../../etc/passwd", "/dev/zero",
    "C:\\con", "<img src=x onerror=alert(1)>", "</script>", "</textarea>", "]]>", "\\write18{id}", "\\end{document}",
    "E.__class__", "constructor", "__proto__", "None", "NaN", "Infinity", "null", "true", "((((((((", "1e5*" * 30,
    "a" * 300, "z1[1] " * 50, "\\u0000", "\\x00", "\\ud800",
)
LITERALS = (
    "0", "-1", "1", "1e400", "nan", "inf", "-inf", "true", '""', '"1/3"', '"1/0"', '"nan"', '"\\u001b[31m"',
    '"\\u202e"', "[]", "[[]]", "{}", "[1, 2]", "[[1, 2], [3]]", "[[1, 2], [3, 4]]", "[[[1]]]", "1979-05-27",
    "9223372036854775808", "1e-320", "1e308", '"9**9**9"', '"__import__"', "[1, \"a\"]", "0x10", "0o7", "1_000", "3",
    "12", '"ng"', '"sigmoid"', '"softmax"', '"relu"', '"cross_entropy"', '"given"', '"mean_squared_error"', '"adam"',
    '"momentum"', '"in_turn"', '"mean"', '"threshold"', '"identity"', "[-0, 5, 0, 7]", '["E"]', '["dW1", "z1[1]"]',
    "{z1 = 2}", '{random = "normal", mean = 0, std = 1, seed = 1, shape = [3, 3]}',
    '{random = "uniform", low = 0, high = 1, seed = 1, shape = [400, 3]}',
    '{random = "normal", shape = [99999, 99999]}',
    '{random = "normal", mean = 0, std = 1e300, seed = -1, shape = [2, 2]}',
    '{random = "normal", mean = 0, std = 1, seed = 99999999999999999999, shape = [0, 2]}',
)
FIELDS = (
    "title", "loss", "layout", "activation", "W", "b", "theta", "bias_column", "x", "t", "class", "dz", "learning_rate",
    "optimizer", "momentum", "momentum_form", "beta1", "beta2", "epsilon", "update_biases", "reduction", "samples",
    "ask", "points", "figures", "places", "notation", "accept", "network", "layers", "names", "sheet", "marking",
    "training",
)
# fmt: on
VALUES = (*NUMBERS, *NASTY)
