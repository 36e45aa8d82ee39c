"""The look of figures."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np

from arrisk.report.style import OKABE_ITO, use_style

# Machado, Oliveira and Fernandes (2009), severity 1: linear RGB as seen with red, green and blue blindness.
DEFICIENCIES = (
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
)


def test_figures_cycle_through_the_named_colours() -> None:
    with mpl.rc_context():
        use_style()
        cycle = [colour.upper().lstrip("#") for colour in mpl.rcParams["axes.prop_cycle"].by_key()["color"]]
        assert sorted(cycle) == sorted(colour.lstrip("#") for colour in OKABE_ITO.values())
        assert mpl.rcParams["svg.hashsalt"] == "arrisk"


def test_the_colours_stay_apart_for_colour_blind_readers() -> None:
    def linear(colour: str) -> np.ndarray:
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)

    for matrix in DEFICIENCIES:
        seen = [
            np.clip(np.array(matrix) @ linear(colour), 0, 1) ** (1 / 2.2) for colour in OKABE_ITO.values()
        ]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.1
