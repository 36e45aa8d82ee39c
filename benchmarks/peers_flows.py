"""Monthly transitions in pandas, written with care: what `bench_ledger` times the engine against.

The frames are the ledger's normal form in narrow whole numbers without missing values (`narrow_frames`; what
is missing is `NEVER`, of movements without an item -1). No item is looped over and nothing is exploded by
month: months come from a lookup by day, keys are packed into one number, and grouped sums are spread over the
months in which a group stands open. Both sides return the same counts and amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
import pandas as pd
import pyarrow as pa

from arrisk.ledger.book import Ledger
from arrisk.ledger.days import month_end, month_index
from arrisk.ledger.relations import make_relation
from arrisk.ledger.statements import KINDS, OWED
from arrisk.portfolio.flows import Flows

NEVER = np.int32(np.iinfo(np.int32).max)
EDGES = (30, 60, 90)
NO_DATE, DISPUTED, NEW, REOPENED, ENDS = 5, 6, 7, 8, 7
END_OF_KIND = np.array([-1, 0, 0, 1, 2], dtype=np.int8)  # paid, paid (discount), credited, written off
FIGURES = ["amount", "begun", "paid", "credited", "lost", "n_paid", "n_credited", "n_lost"]
KEYS = ["month", "from_state", "to_state"]
GROUP = ["due_day", "since_month", "opened", "closed", "item"]


def narrow_frames(ledger: Ledger) -> dict[str, pd.DataFrame]:
    """Spells and movements as the engine holds them, in narrow columns without missing values."""
    return {
        name: pd.DataFrame({c: _narrow(table[c], c) for c in table.column_names})
        for name, table in ((name, make_relation(name, ledger)) for name in ("spells", "movements"))
    }


def _narrow(column: pa.ChunkedArray, name: str) -> np.ndarray:
    if not column.null_count:
        return column.to_numpy()
    return column.fill_null(-1 if name in ("item", "cause") else int(NEVER)).to_numpy()


def flows_peer(frames: Mapping[str, pd.DataFrame], day: int, months: int = 36) -> pd.DataFrame:
    """Transitions of items owed, as known on a day.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        From `narrow_frames`.
    day : int
        The as-of date as a day number.
    months : int
        Length of the window.

    Returns
    -------
    DataFrame
        month (index), from_state, to_state (numbers, in the order of `Flows.origins` and
        `Flows.destinations`), items, amount (minor units), sorted.
    """
    now = int(month_index([day])[0])
    first = max(now - months + 1, int(frames["movements"]["month"].min()))
    calendar = _calendar(first, day)
    odd = _odd_items(frames["spells"], day, calendar)
    steps = _steps(
        _moved(frames["movements"], day, first, calendar, odd), frames["spells"], day, calendar, odd
    )
    return _spread(steps, first, now, day)


def comparable(flows: Flows, scale: int) -> pd.DataFrame:
    """Our flows in the form of the peer's."""
    table = flows.table
    day = table["month_end"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return pd.DataFrame(
        {
            "month": month_index(day),
            "from_state": table["from_state"].map({s: k for k, s in enumerate(flows.origins)}),
            "to_state": table["to_state"].map({s: k for k, s in enumerate(flows.destinations)}),
            "items": table["items"],
            "amount": np.rint(table["amount"].to_numpy() * scale).astype(np.int64),
        }
    ).astype("int64")


def same_flows(ours: Flows, scale: int, peer: pd.DataFrame) -> None:
    """Both must be the same to the minor unit."""
    pd.testing.assert_frame_equal(comparable(ours, scale), peer.astype("int64"), check_exact=True)


def _calendar(first: int, day: int) -> np.ndarray:
    """Month of each day up to the as-of date; what is before the window is in the month before it."""
    return np.maximum(month_index(np.arange(day + 1)), first - 1).astype(np.int16)


def _odd_items(spells: pd.DataFrame, day: int, calendar: np.ndarray) -> pd.DataFrame:
    """Items disputed or open more than once, by item: months of the dispute, whether told by themselves."""
    seen = (spells["start_day"] <= day) & (spells["side"] == OWED) & (spells["amount"] != 0)
    seen &= (spells["number"] > 0) | (spells["dispute_opened"] <= day)
    odd = spells.loc[seen, ["item", "number", "dispute_opened", "dispute_closed"]]
    odd = odd.sort_values(["item", "number"]).drop_duplicates("item", keep="last").set_index("item")
    months = {}
    for name in ("opened", "closed"):
        when = odd[f"dispute_{name}"].to_numpy()
        months[name] = np.where(when <= day, calendar[np.minimum(when, day)], NEVER).astype(np.int32)
    return pd.DataFrame({**months, "several": (odd["number"] > 0).to_numpy()}, index=odd.index)


def _moved(
    moves: pd.DataFrame, day: int, first: int, calendar: np.ndarray, odd: pd.DataFrame
) -> pd.DataFrame:
    """Movements of items owed summed by group, month and kind."""
    seen = ((moves["side"] == OWED) & (moves["day"] <= day)).to_numpy()
    known = moves if seen.all() else moves.loc[seen, ["item", "due_day", "since", "month", "kind", "amount"]]
    frame = _grouped(known["item"], known["due_day"], calendar[known["since"].to_numpy()], odd)
    frame["month"] = np.maximum(known["month"].to_numpy(), first - 1).astype(np.int16)
    frame["kind"] = known["kind"].to_numpy()
    frame["amount"], frame["items"] = known["amount"].to_numpy(), np.int8(1)
    return _collapsed(frame)


def _grouped(item: pd.Series, due: pd.Series, since: np.ndarray, odd: pd.DataFrame) -> pd.DataFrame:
    """Keys of items alike; most have no dispute and are not told by themselves."""
    rows = len(item)
    marked = np.zeros(1 + max(int(item.max()), int(odd.index.max()) if len(odd) else 0), dtype=bool)
    marked[odd.index.to_numpy()] = True
    frame = pd.DataFrame({"due_day": due.to_numpy(), "since_month": since})
    keys = {
        "opened": np.full(rows, NEVER),
        "closed": np.full(rows, NEVER),
        "item": np.full(rows, np.int32(-1)),
    }
    place = np.flatnonzero(marked[item.to_numpy()])
    names = item.to_numpy()[place]
    found = odd.reindex(names)
    for name in ("opened", "closed"):
        keys[name][place] = found[name].to_numpy()
    keys["item"][place] = np.where(found["several"].to_numpy(dtype=bool), names, -1)
    return frame.assign(**keys)


def _collapsed(frame: pd.DataFrame) -> pd.DataFrame:
    """Sums of amount and items by all other columns; ordinary rows by one packed number."""
    odd = ((frame["opened"] != NEVER) | (frame["item"] >= 0)).to_numpy()
    keys = [*GROUP, "month", "kind"]
    plain = frame if not odd.any() else frame[~odd]
    due = plain["due_day"].to_numpy(dtype=np.int64)
    low, missing = int(due.min(initial=0)), due == NEVER
    parts = [np.where(missing, 0, due - low + 1)]
    parts += [plain[c].to_numpy(dtype=np.int64) for c in ("since_month", "month")]
    month = min(int(part.min()) for part in parts[1:]) if len(plain) else 0
    parts[1:] = [part - month for part in parts[1:]]
    parts.append(plain["kind"].to_numpy(dtype=np.int64))
    key = reduce(lambda packed, part: packed * 1024 + part, parts[1:], parts[0])
    sums = plain[["amount", "items"]].groupby(key, sort=False).sum()
    packed = sums.index.to_numpy()
    due = (packed >> 30) - 1 + low
    sums = sums.assign(
        due_day=np.where(packed >> 30 == 0, NEVER, due),
        since_month=(packed >> 20 & 1023) + month,
        month=(packed >> 10 & 1023) + month,
        kind=packed & 1023,
        opened=NEVER,
        closed=NEVER,
        item=-1,
    )
    some = frame[odd].groupby(keys, sort=False)[["amount", "items"]].sum().reset_index()
    return pd.concat([sums.reset_index(drop=True), some], ignore_index=True).astype("int64")


def _ended(spells: pd.DataFrame, day: int, calendar: np.ndarray, odd: pd.DataFrame) -> pd.DataFrame:
    """Closings by group, month and cause; of items told by themselves the last of a month."""
    seen = (spells["end_day"] <= day) & (spells["side"] == OWED) & (spells["amount"] != 0)
    ended = spells.loc[seen, ["item", "due_day", "since", "number", "end_day", "cause"]]
    frame = _grouped(ended["item"], ended["due_day"], calendar[ended["since"].to_numpy()], odd)
    frame["month"] = calendar[ended["end_day"].to_numpy()]
    frame["kind"], frame["amount"], frame["items"] = ended["cause"].to_numpy(), np.int8(0), np.int8(1)
    several = (frame["item"] >= 0).to_numpy()
    last = frame[several].assign(number=ended["number"].to_numpy()[several])
    last = last.sort_values(["item", "number"]).drop_duplicates(["item", "month"], keep="last")
    return pd.concat([_collapsed(frame[~several]), last.drop(columns="number")], ignore_index=True)


def _steps(
    moved: pd.DataFrame, spells: pd.DataFrame, day: int, calendar: np.ndarray, odd: pd.DataFrame
) -> pd.DataFrame:
    """One row a group and month: what moved, what was settled, how many began and ended."""
    ended = _ended(spells, day, calendar, odd)
    out = []
    for frame, names in ((moved, FIGURES[2:5]), (ended, FIGURES[5:])):
        end = END_OF_KIND[frame["kind"].to_numpy(dtype=np.int64)]
        value = -frame["amount"] if frame is moved else frame["items"]
        columns = {name: value.where(end == k, 0) for k, name in enumerate(names)}
        amount = frame["amount"] if frame is moved else 0
        begun = frame["items"].where(frame["kind"] == KINDS["invoice"], 0) if frame is moved else 0
        out.append(frame[[*GROUP, "month"]].assign(**columns, amount=amount, begun=begun))
    steps = pd.concat(out, ignore_index=True).fillna(0).astype("int64")
    return steps.groupby([*GROUP, "month"], sort=True)[FIGURES].sum().reset_index()


def _spread(steps: pd.DataFrame, first: int, now: int, day: int) -> pd.DataFrame:
    """Settlements, and what stands open at each month end, by month, state before and state after."""
    group = steps.groupby(GROUP, sort=False)
    after = group["amount"].cumsum().to_numpy()
    counts = steps["begun"] - steps[["n_paid", "n_credited", "n_lost"]].sum(axis=1)
    standing = counts.groupby([steps[c] for c in GROUP], sort=False).cumsum().to_numpy()
    single = (steps["item"] >= 0).to_numpy()
    standing = np.where(single, after != 0, standing)
    before, month = after - steps["amount"].to_numpy(), steps["month"].to_numpy()
    until = group["month"].shift(-1).fillna(now + 1).to_numpy(dtype=np.int64) - 1
    is_new = (steps["since_month"] == month).to_numpy()
    origin = np.where(before == 0, REOPENED, _state(steps, month - 1, first, now, day))
    origin = np.where(is_new, NEW, origin)
    happened = ~single | ((after == 0) & (is_new | (steps[FIGURES[2:5]] != 0).any(axis=1).to_numpy()))
    parts = []
    for k, (money, items) in enumerate(zip(FIGURES[2:5], FIGURES[5:], strict=True)):
        amount = steps[money].to_numpy()
        amount = np.where(origin == REOPENED, np.maximum(amount, 0), amount)
        parts.append(
            (month, origin, np.full(len(steps), ENDS + k), steps[items].to_numpy() * happened, amount)
        )
    stands = np.flatnonzero(after != 0)
    at = np.repeat(stands, (until - month + 1)[stands])
    when = month[at] + np.arange(len(at)) - np.searchsorted(at, at)
    rows = steps.iloc[at]
    came = np.where(when == month[at], origin[at], _state(rows, when - 1, first, now, day))
    parts.append((when, came, _state(rows, when, first, now, day), standing[at], after[at]))
    columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
    found = pd.DataFrame(dict(zip([*KEYS, "items", "amount"], columns, strict=True)))
    found = found[found["month"] >= first].groupby(KEYS, sort=True).sum().reset_index()
    return found[(found["items"] != 0) | (found["amount"] != 0)].reset_index(drop=True)


def _state(rows: pd.DataFrame, month: np.ndarray, first: int, now: int, day: int) -> np.ndarray:
    """Number of the state in which rows are open at the ends of months."""
    ends = np.array([*month_end(np.arange(first - 2, now)), day])
    due = rows["due_day"].to_numpy()
    age = ends[month - first + 2] - due
    place = np.where(age <= 0, 0, 1 + np.searchsorted(np.array(EDGES), age, side="left"))
    place = np.where(due == NEVER, NO_DATE, place)
    disputed = (rows["opened"].to_numpy() <= month) & (rows["closed"].to_numpy() > month)
    return np.where(disputed, DISPUTED, place)
