"""The words of a derivation, in English and Japanese: one table, by key."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LANGUAGES", "words_of"]

_EN = {
    "title": "Derivation of the partial derivatives",
    "network": "The network",
    "equations": "The equations",
    "derivatives": "The derivatives",
    "updates": "The updates",
    "given": "Given",
    "name": "Name",
    "general": "General lines, layer {layer}",
    "local": "Local derivatives",
    "signals": "Error signals, layer {layer}",
    "gradients": "Gradients, layer {layer}",
    "matrix": "In vectors and matrices, layer {layer}",
    "matrix_forward": "The network in vectors and matrices",
    "matrix_batch": "All samples in matrices",
    "batch": "Sum over the batch",
    "jacobian": "The derivatives of softmax",
    "quotient": "quotient rule,",
    "chain": "chain rule",
    "paths": "sum over paths",
    "alone": "it enters this term only",
    "definition": "definition",
    "definitions": "definitions",
    "differentiated": "differentiated",
    "simplified": "simplified",
    "inserted": "both put in",
    "put": "put in",
    "cancelled": "y cancelled",
    "collected": "collected",
    "targets": "the targets sum to 1",
    "signal": "error signal",
    "gradient": "named error signals",
    "numbers": "numbers put in",
    "shapes": "shape",
    "samples": "sum over samples",
    "mean": "mean over samples",
    "figure": "The network with its weights",
    "figure_gradients": "The network; on each edge the weight and, below it, its gradient",
    "marked": "More digits were carried than are shown: the shown numbers do not reproduce this value.",
    "key": "Key",
    "worksheet": "Worksheet",
    "sample": "for sample {sample} of {samples}",
    "input": "input",
    "hidden": "hidden",
    "output": "output",
}
_JA = {
    "title": "偏微分の導出",
    "network": "ネットワーク",
    "equations": "式",
    "derivatives": "微分",
    "updates": "更新",
    "given": "与えられた値",
    "name": "氏名",
    "general": "一般の式(第{layer}層)",
    "local": "局所的な微分",
    "signals": "第{layer}層の誤差信号",
    "gradients": "第{layer}層の勾配",
    "matrix": "ベクトルと行列による表示(第{layer}層)",
    "matrix_forward": "ベクトルと行列で表したネットワーク",
    "matrix_batch": "全サンプルの行列による表示",
    "batch": "バッチについての和",
    "jacobian": "ソフトマックスの微分",
    "quotient": "商の微分,",
    "chain": "連鎖律",
    "paths": "経路についての和",
    "alone": "この項にだけ現れる",
    "definition": "定義",
    "definitions": "定義を代入",
    "differentiated": "微分",
    "simplified": "整理",
    "inserted": "両方を代入",
    "put": "代入",
    "cancelled": "yを約分",
    "collected": "まとめる",
    "targets": "正解値の和は1",
    "signal": "誤差信号",
    "gradient": "誤差信号で表す",
    "numbers": "数値を代入",
    "shapes": "形",
    "samples": "サンプルについての和",
    "mean": "サンプルについての平均",
    "figure": "ネットワークと重み",
    "figure_gradients": "ネットワーク(各辺の数値は重みと勾配)",
    "marked": "表示より多い桁で計算しているため、表示された数値からはこの値になりません。",
    "key": "解答",
    "worksheet": "演習",
    "sample": "サンプル{sample}(全{samples}個)",
    "input": "入力",
    "hidden": "中間",
    "output": "出力",
}
LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": _EN, "ja": _JA}
assert _EN.keys() == _JA.keys()


def words_of(language: str) -> Mapping[str, str]:
    """The words of a language.  Raises ValueError for one that is not known."""
    if language not in LANGUAGES:
        raise ValueError(f"language '{language}' is not known; known are {', '.join(LANGUAGES)}")
    return LANGUAGES[language]
