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


CJK_FONTS = ("Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", "SimHei")


def use_style() -> None:
    """Make the style sheet of the project the one matplotlib draws with.

    Where a font with Chinese characters is installed, it draws those that the first font lacks.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> with mpl.rc_context():
    ...     use_style()
    ...     mpl.rcParams["image.cmap"]
    'cividis'
    """
    from matplotlib import font_manager, rcParams, style

    with as_file(files("arrisk.report").joinpath("arrisk.mplstyle")) as sheet:
        style.use(sheet)
    installed = {font.name for font in font_manager.fontManager.ttflist}
    rcParams["font.sans-serif"] = [*rcParams["font.sans-serif"], *(f for f in CJK_FONTS if f in installed)]
