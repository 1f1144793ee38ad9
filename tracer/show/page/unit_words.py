"""The words of the step page for a network: its units, edges and rules."""

from __future__ import annotations

from derivations.names import KINDS, Quantity
from derivations.network import Network
from tracer.show.page.words import Words

__all__ = ["UnitWords"]


class UnitWords(Words):
    """The words of one language for one network.  Raises ValueError for a language that is not there."""

    def __init__(self, lang: str, network: Network) -> None:
        super().__init__(lang)
        self.network = network

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
