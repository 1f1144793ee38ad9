"""The words of the step page, in English and Japanese: one table, by key."""

from __future__ import annotations

import re
from collections.abc import Mapping

from derivations.names import KINDS, Quantity
from derivations.network import Network

__all__ = ["LANGUAGES", "Words"]

_EN = {
    "forward": "Forward",
    "backward": "Backward",
    "update": "Update",
    "first": "first step",
    "previous": "previous step",
    "next": "next step",
    "last": "last step",
    "step": "step",
    "steps": "Steps",
    "sample": "Sample",
    "made_of": "Made of",
    "used_by": "Used by",
    "path": "Path from E back to the weight",
    "paths": "Paths from E back to the weight",
    "keys": "Gold: this step and what it reads. Purple: the way back from the loss. "
    "Walk with the arrow keys, Home and End; click a unit or an edge for its numbers.",
    "legend": "Blue: positive weight. Red and dashed: negative. Thicker: larger.",
    "marked": "Ringed or dotted in red: marked wrong; ✗ leads to the next one.",
    "to_step": "to the step",
    "network": "Network {sizes}",
    "figure": "The network: circles are units, lines are weights; blue is positive, red and dashed is negative, "
    "and the thicker a line, the larger its weight.",
    "input": "input {j}",
    "alone": "unit {j}",
    "hidden": "hidden unit {j}",
    "hidden_of": "layer {l}, unit {j}",
    "output": "output unit {j}",
    "edge": "from {i} to {j}",
    "bias_of": "bias of {j}",
    "shared": "the bias that layer {l} shares",
    "whole": "the whole loss",
    "whole_sample": "the loss of this sample",
    "threshold_of": "threshold of {j}",
    "shared_threshold": "the threshold that layer {l} shares",
    "pair": "{j} by the pre-activation of {i}",
    "layer": "layer {l}",
    "units_left": "Layer {l} has {n} units; the drawing shows {kept} of them.",
    "steps_left": "The step has {n} numbers; the page writes out the first {kept} of each part of it.",
    "samples_left": "There are {n} samples; the page writes out the first {kept}.",
    "sums_left": "Long sums are shortened to their first and last terms.",
    "columns_left": "There are {n} parameters and gradients; the table shows {kept} of them.",
    "first_network": "The drawing shows the network of sample 1; the table has them all.",
    "loss_curve": "Loss before each update",
    "run": "training step",
    "trained": "Training, {n} steps",
    "next_wrong": "next cell that is not right",
    "given": "Written",
    "expected": "expected",
    "a": "Weighted sum",
    "a_why": "Each number that arrives is multiplied by the weight of its edge, and the products are added up.",
    "a_bias_why": "Each number that arrives is multiplied by the weight of its edge; the products and the bias are "
    "added up.",
    "a_theta_why": "Each number that arrives is multiplied by the weight of its edge, the products are added up and "
    "the threshold is taken away.",
    "z": "Activation",
    "z_why": "The activation function {f} turns the weighted sum into what the unit sends on.",
    "E_part": "Loss of each output",
    "E_part_why": "How far this output is from its target, measured by the loss function.",
    "E_sample": "Loss of a sample",
    "E_sample_why": "The parts of the outputs added up.",
    "E": "Loss",
    "E_why": "The parts added up: one number that says how wrong the network is.",
    "dz": "Derivative by the activation",
    "dz_input": "Derivative by the input",
    "dz_last_why": "How the loss changes when this output changes: the loss function differentiated.",
    "dz_why": "Chain rule: this number reaches the loss through every unit that reads it, so the error signals of "
    "those units come back, each times the weight of its edge, and are added up.",
    "slope": "Slope of the activation",
    "slope_why": "The derivative of {f} where the unit stands.",
    "J": "Jacobian of softmax",
    "J_why": "Every output of softmax depends on every pre-activation: the derivative of one by the other.",
    "delta": "Error signal",
    "delta_why": "Chain rule: the slope of the activation times the derivative by the activation.",
    "delta_sum_why": "Chain rule: every output of softmax depends on this pre-activation, so the derivatives by all of "
    "them come back, each times its entry of the Jacobian, and are added up.",
    "delta_fused_why": "Activation and loss go together: their derivatives cancel to output minus target.",
    "dW": "Gradient of a weight",
    "dW_why": "Chain rule: the error signal of the unit that the edge enters, times the number that the edge carries.",
    "db": "Gradient of a bias",
    "db_why": "The bias enters the sum as it is, so its gradient is the error signal.",
    "dtheta": "Gradient of a threshold",
    "dtheta_why": "The threshold is taken away from the sum, so its gradient is the error signal with the other sign.",
    "state": "The optimizer's state",
    "state_why": "What the optimizer remembers of the gradients so far.",
    "new": "New weight",
    "new_why": "A step against the gradient: the weight less the learning rate times its gradient.",
    "new_other_why": "A step against the gradient, as the optimizer scales it.",
    "new_kept_why": "This problem leaves its biases as they are.",
    "new_bias": "New bias",
    "new_bias_why": "A step against the gradient: the bias less the learning rate times its gradient.",
    "new_theta": "New threshold",
    "new_theta_why": "A step against the gradient: the threshold less the learning rate times its gradient.",
    "comma": ", ",
    "loss_range": "highest {high}, lowest {low}",
    "now_loss": "loss at this step",
}
_JA = {
    "forward": "順伝播",
    "backward": "逆伝播",
    "update": "更新",
    "first": "最初のステップ",
    "previous": "前のステップ",
    "next": "次のステップ",
    "last": "最後のステップ",
    "step": "ステップ",
    "steps": "ステップ",
    "sample": "サンプル",
    "made_of": "使う値",
    "used_by": "使われる先",
    "path": "Eから重みまでの経路",
    "paths": "Eから重みまでのすべての経路",
    "keys": "金色: このステップと使う値。紫: 損失からの経路。"
    "矢印キー、Home、Endで進みます。ユニットや辺をクリックするとその値が表示されます。",
    "legend": "青: 正の重み。赤の破線: 負の重み。線が太いほど重みが大きい。",
    "marked": "赤い円と点線: 正しくない解答。✗で次の誤りへ進みます。",
    "to_step": "このステップへ",
    "network": "{sizes} ネットワーク",
    "figure": "ネットワーク図。円はユニット、線は重み。青は正、赤の破線は負、線が太いほど重みが大きい。",
    "input": "入力{j}",
    "alone": "ユニット{j}",
    "hidden": "中間ユニット{j}",
    "hidden_of": "第{l}層のユニット{j}",
    "output": "出力ユニット{j}",
    "edge": "{i}から{j}へ",
    "bias_of": "{j}のバイアス",
    "shared": "第{l}層の共有バイアス",
    "whole": "損失の全体",
    "whole_sample": "このサンプルの損失",
    "threshold_of": "{j}のしきい値",
    "shared_threshold": "第{l}層の共有しきい値",
    "pair": "{j}を{i}の活性化前の値で微分",
    "layer": "第{l}層",
    "units_left": "第{l}層には{n}個のユニットがあり、図にはそのうち{kept}個を示します。",
    "steps_left": "全部で{n}個の数があり、このページは各部分の最初の{kept}個を書き出します。",
    "samples_left": "サンプルは{n}個あり、このページは最初の{kept}個を書き出します。",
    "sums_left": "長い和は最初と最後の項だけを示します。",
    "columns_left": "重みと勾配は{n}個あり、表にはそのうち{kept}個を示します。",
    "first_network": "図はサンプル1のネットワークです。表にはすべて示します。",
    "loss_curve": "各更新前の損失",
    "run": "学習ステップ",
    "trained": "学習({n}ステップ)",
    "next_wrong": "次の正しくない解答",
    "given": "解答",
    "expected": "正しい値",
    "a": "重み付き和",
    "a_why": "入ってくる値に辺の重みを掛けて、すべて足します。",
    "a_bias_why": "入ってくる値に辺の重みを掛けて足し、バイアスを加えます。",
    "a_theta_why": "入ってくる値に辺の重みを掛けて足し、しきい値を引きます。",
    "z": "活性化",
    "z_why": "活性化関数{f}が、重み付き和をユニットの出力に変えます。",
    "E_part": "出力ごとの損失",
    "E_part_why": "この出力が正解値からどれだけ離れているかを、損失関数で測ります。",
    "E_sample": "サンプルの損失",
    "E_sample_why": "出力ごとの損失を足します。",
    "E": "損失",
    "E_why": "すべて足して、ネットワークの誤りを表す一つの数にします。",
    "dz": "出力による微分",
    "dz_input": "入力による微分",
    "dz_last_why": "この出力が変わると損失がどう変わるか。損失関数を微分します。",
    "dz_why": "連鎖律: この値はそれを読むすべてのユニットを通って損失に届くので、"
    "各ユニットの誤差信号に辺の重みを掛けて足します。",
    "slope": "活性化関数の傾き",
    "slope_why": "このユニットの位置での{f}の微分です。",
    "J": "ソフトマックスのヤコビ行列",
    "J_why": "ソフトマックスの各出力は、すべての活性化前の値に依存します。その微分です。",
    "delta": "誤差信号",
    "delta_why": "連鎖律: 活性化前の値による微分は、傾きと出力による微分の積です。",
    "delta_sum_why": "連鎖律: ソフトマックスのすべての出力がこの値に依存するので、"
    "各出力による微分にヤコビ行列の要素を掛けて足します。",
    "delta_fused_why": "活性化関数と損失関数の微分が打ち消し合い、出力引く正解値になります。",
    "dW": "重みの勾配",
    "dW_why": "連鎖律: 辺が入るユニットの誤差信号に、辺が運ぶ値を掛けます。",
    "db": "バイアスの勾配",
    "db_why": "バイアスは和にそのまま入るので、勾配は誤差信号に等しくなります。",
    "dtheta": "しきい値の勾配",
    "dtheta_why": "しきい値は和から引かれるので、勾配は誤差信号の符号を変えたものです。",
    "state": "最適化の状態",
    "state_why": "これまでの勾配について最適化手法が覚えている値です。",
    "new": "新しい重み",
    "new_why": "勾配と逆向きに進みます。重みから、学習率と勾配の積を引きます。",
    "new_other_why": "最適化手法が定める大きさで、勾配と逆向きに進みます。",
    "new_kept_why": "この問題ではバイアスを更新しません。",
    "new_bias": "新しいバイアス",
    "new_bias_why": "勾配と逆向きに進みます。バイアスから、学習率と勾配の積を引きます。",
    "new_theta": "新しいしきい値",
    "new_theta_why": "勾配と逆向きに進みます。しきい値から、学習率と勾配の積を引きます。",
    "comma": "、",
    "loss_range": "最大 {high}、最小 {low}",
    "now_loss": "このステップの損失",
}
_SAID = {
    "en": (
        (r"; given\b", "; the derivative by the outputs is given"),
        (r"(?<=[a-z])_(?=[a-z])", " "),
        (r"\bsgd\b", "gradient descent"),
        ("^Step ", "step "),
        ("^Sample ", "sample "),
    ),
    "ja": (
        (", ", "、"),
        (r"\bsigmoid\b", "シグモイド"),
        (r"\bidentity\b", "恒等関数"),
        (r"\brelu\b", "ReLU"),
        (r"\bsoftmax\b", "ソフトマックス"),
        (r"\bhalf_squared_error\b", "二乗誤差の半分"),
        (r"\bhalf_mean_squared_error\b", "平均二乗誤差の半分"),
        (r"\bmean_squared_error\b", "平均二乗誤差"),
        (r"\bsquared_error\b", "二乗誤差"),
        (r"\bbinary_cross_entropy\b", "二値交差エントロピー"),
        (r"\bcross_entropy\b", "交差エントロピー"),
        (r"; given\b", "; 出力による微分を与える"),
        (r"; output\b", "; 出力の和"),
        (r"\bsgd\b", "勾配降下法"),
        (r"Step (\d+), sample (\d+)", r"ステップ\1、サンプル\2"),
        (r"Sample (\d+)", r"サンプル\1"),
        (r"(\S+) network: ", r"\1 ネットワーク: "),
        (r"(\d+) samples", r"サンプル\1個"),
        ("samples in turn", "サンプルごとに更新"),
        ("samples apart", "サンプルごとに別のネットワーク"),
        ("sum over the batch", "バッチの和"),
        ("mean over the batch", "バッチの平均"),
        ("learning rate ", "学習率 "),
        ("by hand: ", "手計算: "),
        (r"shown to (\d+)", r"表示は\1"),
        (r"(\d+) significant figures?", r"有効数字\1桁"),
        (r"(\d+) decimals?", r"小数点以下\1桁"),
        ("half away from zero", "四捨五入"),
        ("carrying what is shown", "表示した値で計算を続ける"),
        ("carrying every digit", "すべての桁で計算を続ける"),
    ),
}
"""What the tables say in English, in the other languages."""
LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": _EN, "ja": _JA}
assert _EN.keys() == _JA.keys()


class Words:
    """The words of one language for one network.  Raises ValueError for a language that is not there."""

    def __init__(self, lang: str, network: Network) -> None:
        if lang not in LANGUAGES:
            raise ValueError(f"language '{lang[:20]}' is not known; known are {', '.join(LANGUAGES)}")
        self.lang, self.table, self.network = lang, LANGUAGES[lang], network

    def __call__(self, key: str, **facts: object) -> str:
        return self.table[key].format(**facts)

    def said(self, text: str) -> str:
        """A line of the tables' English in this language."""
        for english, own in _SAID[self.lang]:
            text = re.sub(english, own, text)
        return text

    def unit(self, layer: int, j: int) -> str:
        """A unit by its place: "hidden unit 2"."""
        L = len(self.network)
        alone = L == 1 and self.network.loss.parts is None
        key = (
            "input"
            if layer == 0
            else "alone"
            if alone
            else "output"
            if layer == L
            else "hidden"
            if L == 2
            else "hidden_of"
        )
        return self(key, l=layer, j=j)

    def place(self, q: Quantity) -> str:
        """Where in the network a quantity belongs: its unit, its edge, the whole."""
        match KINDS[q.kind].axes, q.indices:
            case "ji", (j, i):
                return self("edge", i=self.unit(q.layer - 1, i), j=self.unit(q.layer, j))
            case "jm", (k, m):
                return self("pair", j=self.unit(q.layer, k), i=self.unit(q.layer, m))
            case "b", ():
                return self("shared_threshold" if self._threshold(q.layer) else "shared", l=q.layer)
            case "b", (j,):
                key = "threshold_of" if self._threshold(q.layer) else "bias_of"
                return self(key, j=self.unit(q.layer, j))
            case "k", (k,):
                return self.unit(len(self.network), k)
            case _, (j,):
                return self.unit(q.layer, j)
        return self("whole_sample" if q.kind == "E_sample" else "whole")

    def rule(self, kind: str, layer: int) -> str:
        """The name of the rule that gives a kind of quantity."""
        key = self._key(kind, layer)
        return self(key if key in self.table else "state")

    def _key(self, kind: str, layer: int) -> str:
        """The kind as the table's keys name it: a threshold apart from a bias."""
        theta = self._threshold(layer)
        match kind:
            case "W_new":
                return "new"
            case "b_new":
                return "new_theta" if theta else "new_bias"
            case "db":
                return "dtheta" if theta else "db"
            case "dz" if not layer:
                return "dz_input"
        return kind

    def _threshold(self, layer: int) -> bool:
        bias = self.network.layer(layer).bias if layer else None
        return bias is not None and bias.letter == "theta"

    def why(
        self, kind: str, layer: int, *, fused: bool = False, plain_update: bool = True, biases_kept: bool = False
    ) -> str:
        """The rule in a sentence."""
        key = self._key(kind, layer)
        if key not in self.table:
            return self("state_why")
        if kind == "dz":
            return self("dz_last_why" if layer == len(self.network) else "dz_why")
        if kind == "b_new" and biases_kept:
            return self("new_kept_why")
        if kind.endswith("_new") and not plain_update:
            return self("new_other_why")
        own = self.network.layer(layer) if layer else None
        if kind == "a" and own and own.bias:
            return self("a_theta_why" if self._threshold(layer) else "a_bias_why")
        if kind == "delta" and fused:
            return self("delta_fused_why")
        if kind == "delta" and own and not own.activation.elementwise:
            return self("delta_sum_why")
        return self(f"{key}_why", f=self.said(own.activation.name) if own else "")
