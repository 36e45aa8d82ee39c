"""Provision arithmetic against published examples."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.loss_rates.arithmetic import (
    absorption,
    allowance_movement,
    apply_rates,
    chain_rates,
    cohort_rates,
    flow_rates,
    migration_rate,
    round_money,
    scale_rates,
)

PANEL = np.array([[1000, 400, 160, 80], [1100, 420, 170, 70], [1200, 440, 175, 75]])


def test_provision_matrix_of_ifrs9_example_12():
    parts = apply_rates([15e6, 7.5e6, 4e6, 2.5e6, 1e6], [0.003, 0.016, 0.036, 0.066, 0.106])
    assert parts.tolist() == [45_000, 120_000, 144_000, 165_000, 106_000]
    assert parts.sum() == 580_000


def test_scaled_rates_of_asc_326_example_5():
    scaled = scale_rates([0.003, 0.08, 0.26, 0.58, 0.82], [1, 1.1, 1.1, 1.1, 1.1])
    assert scaled == pytest.approx([0.003, 0.088, 0.286, 0.638, 0.902], abs=1e-12)
    assert scale_rates([0.95], 1.2).tolist() == [1.0]
    assert scale_rates([0.95], 1.2, cap=0.98).tolist() == [0.98]


def test_sales_cohort():
    rates = cohort_rates(100_000, [50_000, 27_000, 15_000, 6_000])
    assert rates == pytest.approx([0.02, 0.04, 0.086957, 0.25, 1.0], abs=5e-7)
    assert cohort_rates(100, [60, 40]).tolist() == [0, 0, 0]
    with pytest.raises(ModelError):
        cohort_rates(100, [60, 50])


def test_write_offs_count_as_migrated():
    assert migration_rate(1_000_000, 500_000, 200_000) == pytest.approx(0.70)
    assert migration_rate(1_000_000, 500_000) == pytest.approx(0.50)


@pytest.mark.parametrize(
    ("averaging", "flows", "rates", "total"),
    [
        ("simple", (0.41, 0.420833, 0.439338), (0.075804, 0.184888, 0.439338, 1), 324.2000),
        ("volume", (0.409524, 0.420732, 0.439394), (0.075707, 0.184867, 0.439394, 1), 324.0843),
    ],
)
def test_both_averaging_rules(averaging, flows, rates, total):
    result = flow_rates(PANEL, averaging=averaging)
    assert result.flows == pytest.approx(flows, abs=5.1e-7)
    assert result.rates == pytest.approx(rates, abs=5.1e-7)
    assert (PANEL[-1] * result.rates).sum() == pytest.approx(total, abs=5.1e-5)


def test_a_write_off_in_the_panel_raises_the_flow():
    gone = np.zeros_like(PANEL)
    gone[1, 3] = 20
    with_loss = flow_rates(PANEL, written_off=gone)
    assert with_loss.flows[2] == pytest.approx((70 + 20 + 75) / 330)
    assert (with_loss.rates >= flow_rates(PANEL).rates).all()


def test_rates_stay_fractions_even_when_a_flow_exceeds_one():
    rates = chain_rates([1.4, 0.9], 0.95)
    assert rates == pytest.approx([1.0, 0.855, 0.95])


def test_bad_panels_are_errors():
    for panel in ([[1, 2]], [[1, 0], [1, 0]][:1], [[0, 1], [0, 1]], [[1, -1], [1, 1]]):
        with pytest.raises(ModelError):
            flow_rates(panel)
    with pytest.raises(ModelError):
        flow_rates(PANEL, averaging="median")
    with pytest.raises(ModelError):
        flow_rates(PANEL, terminal_loss=1.2)
    with pytest.raises(ModelError):
        apply_rates([100], [1.2])


def test_markov_chain_four_states():
    q = np.diag([0.6, 0.5, 0.4], k=1)
    r = np.array([[0.4, 0], [0.5, 0], [0.6, 0], [0.7, 0.3]])
    ends = absorption(q, r)
    visits = [[1, 0.6, 0.3, 0.12], [0, 1, 0.5, 0.2], [0, 0, 1, 0.4], [0, 0, 0, 1]]
    assert ends.visits == pytest.approx(np.array(visits))
    assert ends.probability[:, 1] == pytest.approx([0.036, 0.06, 0.12, 0.30])
    assert 1_000_000 * ends.probability[0, 1] == pytest.approx(36_000)
    assert ends.probability.sum(axis=1) == pytest.approx(1.0)


def test_markov_chain_three_states():
    ends = absorption(np.diag([0.2, 0.1], k=1), [[0.8, 0], [0.9, 0], [0.85, 0.15]])
    assert ends.visits == pytest.approx(np.array([[1, 0.2, 0.02], [0, 1, 0.1], [0, 0, 1]]))
    assert ends.probability[:, 1] == pytest.approx([0.003, 0.015, 0.15])
    assert 150_000 * ends.probability[0, 1] == pytest.approx(450)


def test_a_state_without_an_end_is_an_error():
    with pytest.raises(ModelError, match="never reaches"):
        absorption([[0, 1, 0], [1, 0, 0], [0, 0, 0]], [[0.0], [0.0], [1.0]])
    with pytest.raises(ModelError, match="sum to 1"):
        absorption([[0.5]], [[0.4]])


def test_allowance_movement_foots():
    lines = allowance_movement(
        16_699, {"adoption": -3_330, "charge": 14_699, "write-offs": -18_228, "recoveries": 7_014}
    )
    assert lines[0] == ("opening", 16_699)
    assert lines[-1] == ("closing", 16_854)


@given(st.integers(0, 10**11), st.integers(0, 1000))
def test_half_a_cent_counts_up(cents, thousandths):
    """As exact decimals round, whatever doubles make of the product."""
    exact = (Decimal(cents) / 100 * Decimal(thousandths) / 1000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert float(apply_rates([cents / 100], [thousandths / 1000])[0]) == float(exact)
    assert float(round_money(cents * (thousandths / 1000), scale=1)) == float(exact * 100)
