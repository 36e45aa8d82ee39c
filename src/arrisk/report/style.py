"""The look of figures: one style sheet and the colours behind it."""

from __future__ import annotations

from importlib.resources import as_file, files

__all__ = ["OKABE_ITO", "use_style"]

OKABE_ITO: dict[str, str] = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
    "black": "#000000",
    "yellow": "#F0E442",
}
"""The eight colours of Okabe and Ito (2008), told apart by readers with any common colour blindness."""


def use_style() -> None:
    """Make the style sheet of the project the one matplotlib draws with.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> with mpl.rc_context():
    ...     use_style()
    ...     mpl.rcParams["image.cmap"]
    'cividis'
    """
    from matplotlib import style

    with as_file(files("arrisk.report").joinpath("arrisk.mplstyle")) as sheet:
        style.use(sheet)
