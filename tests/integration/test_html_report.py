"""The report as a page: what it says, that it says it safely, and how a real browser shows it."""

from __future__ import annotations

import dataclasses
import functools
import html
import io
import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

import cryosim
from browser import asked_hosts, browse, needs_browser
from cases import ball_share, box, plan, probe
from cryosim.cli import main
from cryosim.evaluation import Report, evaluate
from cryosim.geometry import approach_words
from cryosim.plan import Plan
from cryosim.reporting import html_report
from cryosim.reporting.page.depth import depth_mm, skin_depth_mm
from cryosim.reporting.page.markup import Html, element, table
from cryosim.reporting.wording import VERDICTS, celsius, goal_limit, goal_time, goal_value
from cryosim.simulation import Result, simulate

NASTY = '<script>alert("1")</script> & <img src=x onerror=y>'
LONG = "musculus_thoracoabdominalis_transversus_profundus_left"


def can_write_pdf() -> bool:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


needs_pdf = pytest.mark.skipif(
    not can_write_pdf(),
    reason="no WeasyPrint with Pango here (pip install 'cryosim[pdf]'; Debian: libpango-1.0-0 "
    "libpangoft2-1.0-0 libharfbuzz-subset0)",
)


@functools.cache
def rich_result() -> Result:
    """Two freezes with target, organs, sensor and warmer, under names that break careless pages."""
    tissue = box(3.0, perfusion_1_s=0.0007)
    grid = tissue.grid
    structures = {
        "target": ball_share(grid, (0, 0, 0), 7.0),
        NASTY: ball_share(grid, (16.0, 0, 0), 4.0),
        LONG: ball_share(grid, (0, -16.0, 0), 4.0),
    }
    air = np.zeros(grid.shape, dtype=np.bool_)
    air[-4:] = True  # the head end of the box
    tissue = dataclasses.replace(
        tissue,
        structures=structures,
        image=np.random.default_rng(1).normal(40, 10, grid.shape).astype(np.float32),
        outside_air=air,
        warnings=(f"warning of {NASTY}",),
    )
    content = plan(
        "freeze 2 min; thaw 1 min; freeze 3 min; thaw 1 min active",
        [probe(), probe((8.0, 0, -10.0), (40.0, 0, 60.0), runs_min=[(0, 2)])],
        target={"label": 1, "margin_mm": 3.0},
        organ_at_risk=[
            {"name": NASTY, "label": 2, "min_temperature_c": 10.0, "min_ice_distance_mm": 5.0},
            {"name": LONG, "label": 3, "min_temperature_c": 10.0},
        ],
        sensor=[{"name": f"at {NASTY}", "at_mm": (10.0, 0, 0)}],
        warmer=[{
            "name": f"in {NASTY}", "tip_mm": (0, 22, -10), "entry_mm": (0, 22, 60),
            "diameter_mm": 3, "active_length_mm": 20, "temperature_c": 40,
        }],
        goal=[{"metric": f"organs_at_risk.{LONG}.volume_frozen_ml", "at_most": 0.1}],
    )  # fmt: skip
    return simulate(tissue, content)


@functools.cache
def rich_report() -> Report:
    return evaluate(rich_result())


@functools.cache
def rich_page() -> str:
    return html_report(rich_report(), rich_result())


class Reader(HTMLParser):
    """Tags, attributes, and the words of a page in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in {"br", "img", "link", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self.open:
            self.words.append(data.strip())


# --- what it says ---------------------------------------------------------------------------------


def test_everything_is_there_and_in_order() -> None:
    page = Reader(rich_page())
    assert page.open == []
    titles = ("Verdict", "The ice at the end of each freeze", "Growth of the ice", "Margins",
              "How cold was how much", "Cell kill", "Sensors", "Probes", "Protocol", "Energy",
              "Numerics", "Read before trusting the numbers", "Assumptions", "Sources",
              "Versions")  # fmt: skip
    text = "\n".join(page.words)
    body = text[text.index("Versions") + 1 :]  # behind the links
    assert all(title in body for title in titles)
    # Warnings stand with the verdict.
    assert body.index("Verdict") < body.index("Read before") < body.index("End of freeze 1, 2 min")
    assert body.index("End of freeze 1, 2 min") < body.index("Growth")
    assert "End of freeze 2, 6 min" in body
    assert body.index("Growth") < body.index("Energy") < body.index("Sources")
    assert "Research only, not a medical device" in text
    assert "✗ fail" in text
    assert f"of {len(rich_report().goals)} goals failed" in text
    assert "on from 0 to 2 min" in text
    assert cryosim.__version__ in text
    margin = rich_report().target.margin.ice.min_mm
    assert f"{margin:.1f} mm" in page.words
    for source in rich_report().sources:
        assert source in text


def test_each_picture_says_what_it_shows() -> None:
    page = Reader(rich_page())
    pictures = [value for name, value in page.attributes if name == "src"]
    words = [value for name, value in page.attributes if name == "alt"]
    assert len(words) == len(pictures) >= 2 * 3 + 5
    assert all(words)
    assert len(rich_page()) < 4e6


def test_nothing_is_fetched_run_or_broken_by_names() -> None:
    page = Reader(rich_page())
    assert not {"script", "iframe", "object", "embed"} & set(page.tags)
    assert page.tags.count("style") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for name, value in page.attributes:
        if name in {"src", "href"}:
            assert value.startswith(("data:", "#")), value
    assert not re.search(r"url\(|@import", rich_page())
    text = "\n".join(page.words)
    for word in (NASTY, LONG, f"at {NASTY}", f"in {NASTY}", f"warning of {NASTY}"):
        assert word in text


def test_a_plan_without_target_sensors_and_image() -> None:
    content = plan("freeze 1 min")
    result = simulate(box(3.0), content)
    page = Reader(html_report(evaluate(result), result))
    assert "The plan states no goals: there is nothing to judge." in page.words
    assert not {"Margins", "How cold was how much", "Sensors"} & set(page.words)
    assert any("gray is the temperature" in words for words in page.words)


def test_a_target_that_never_froze() -> None:
    warm = np.full_like(rich_result().coldest_c, 37.0)
    result = dataclasses.replace(rich_result(), coldest_c=warm)
    page = Reader(html_report(evaluate(result), result))
    assert "Margins" in page.words
    assert not any("smallest on the target" in words for words in page.words)


def test_without_graphics_the_page_does_without_the_scene(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRYOSIM_RENDERING", "none")
    page = Reader(html_report(rich_report(), rich_result()))
    assert "In 3-D" not in page.words
    assert "Growth of the ice" in page.words


def test_neither_patient_nor_files_are_named() -> None:
    content = rich_result().plan.model_dump(exclude_none=True)
    content["anatomy"] = {"image": "DOE_JANE_1950-01-01/ct.nii.gz", "labels": "DOE_JANE.nii.gz"}
    result = dataclasses.replace(rich_result(), plan=Plan.model_validate(content))
    page = html_report(evaluate(result), result)
    assert "DOE_JANE" not in page
    assert "nii.gz" not in page


def test_a_folder_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(cryosim.InputError, match="cannot be written"):
        cryosim.write_html_report(rich_report(), rich_result(), tmp_path / "no" / "report.html")


# --- words and numbers ----------------------------------------------------------------------------


def test_text_is_escaped_and_html_is_not() -> None:
    inner = element("b", "1 < 2", title='a "quote"')
    assert inner == '<b title="a &quot;quote&quot;">1 &lt; 2</b>'
    assert element("p", inner, "&") == f"<p>{inner}&amp;</p>"
    assert isinstance(inner, Html)
    assert "&lt;i&gt;" in table(("a", "<i>"), [("x", "<i>")])


def test_degree_signs() -> None:
    assert celsius("-40 C for one minute, 1.5 C, 3 CT") == "-40 °C for one minute, 1.5 °C, 3 CT"


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ((0, -1, 0), "from the front"),
        ((0, 1, 0), "from behind"),
        ((0.5, 0.866, 0), "from behind, 30° to the left"),
        ((-0.5, 0.866, 0), "from behind, 30° to the right"),
        ((0.866, -0.5, 0), "from the left, 30° to the front"),
        ((-0.866, 0.5, 0), "from the right, 30° to the back"),
        ((-0.5, -0.866, 0), "from the front, 30° to the right"),
        ((0, -0.866, 0.5), "from the front, 30° to the head"),
        ((0, 0.087, -0.996), "from the feet, 5° off the long axis"),
        ((0, 0, 1), "from the head, along the long axis"),
    ],
)
def test_where_needles_come_from(axis: tuple[float, float, float], words: str) -> None:
    assert approach_words(np.array(axis) / np.linalg.norm(axis)) == words


def test_depths() -> None:
    first, second = rich_result().plan.probe
    assert depth_mm(first) == pytest.approx(110)
    # Room air fills the box from z = 18 mm on; the tips lie at z = -10 mm.
    assert skin_depth_mm(first, rich_result().tissue) == pytest.approx(28, abs=0.3)
    slope = second.axis[2]
    assert skin_depth_mm(second, rich_result().tissue) == pytest.approx(28 / slope, abs=0.3)
    assert skin_depth_mm(first, box(3.0)) is None


# --- in a browser ---------------------------------------------------------------------------------


def unguarded(page: str) -> str:
    """The page without the policy by which the browser would refuse requests and scripts."""
    assert "Content-Security-Policy" in page
    return page.replace("Content-Security-Policy", "x-none")


@needs_browser
def test_no_request_leaves_the_page(recorder: tuple[str, list[str]], tmp_path: Path) -> None:
    assert asked_hosts(recorder, tmp_path, unguarded(rich_page())) == set()
    # The recorder would have seen one.
    leak = rich_page().replace("<nav>", '<nav><img src="http://leak.example/x.png">')
    assert asked_hosts(recorder, tmp_path, unguarded(leak)) == {"leak.example"}
    # And the page's own policy would have kept it.
    assert asked_hosts(recorder, tmp_path, leak) == set()


def measured(folder: Path, page: str, width: int) -> dict[str, str]:
    """Lay the page out in a frame so wide; return what a script in the frame around it finds."""
    script = """
    onload = () => {
      const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
      const pictures = [...page.images];
      const facts = {
        width: root.clientWidth, needed: root.scrollWidth, pictures: pictures.length,
        broken: pictures.filter(p => !p.complete || p.naturalWidth === 0).length,
        outside: [...page.querySelectorAll("main *")].filter(
          e => e.getBoundingClientRect().right > root.clientWidth + 1).length,
        tables: page.querySelectorAll("table").length,
        alarms: page.querySelectorAll("script, [onerror]").length,
      };
      document.title = Object.entries(facts).map(f => f.join("=")).join(" ");
    };"""
    frame = f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(page)}">'
    path = folder / "frame.html"
    path.write_text(f"<title></title>{frame}</iframe><script>{script}</script>", encoding="utf-8")
    found = re.search("<title>(.+?)</title>", browse(folder, "--dump-dom", str(path)))
    assert found is not None
    return dict(fact.split("=") for fact in found[1].split())


@needs_browser
@pytest.mark.parametrize("width", [340, 400, 768, 1400])
def test_the_page_fits_into_the_window(width: int, tmp_path: Path) -> None:
    found = measured(tmp_path, unguarded(rich_page()), width)
    assert int(found["width"]) in range(width - 20, width + 1)  # less a scroll bar
    assert int(found["needed"]) <= int(found["width"])
    assert found["outside"] == "0"
    assert found["broken"] == "0"
    assert found["alarms"] == "0"
    assert int(found["pictures"]) >= 11
    assert int(found["tables"]) >= 10


@needs_browser
def test_it_prints(tmp_path: Path) -> None:
    path, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    path.write_text(rich_page(), encoding="utf-8")
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", str(path))
    content = printed.read_bytes()
    assert content.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 3 <= pages <= 12


@needs_browser
def test_screenshots_show_pictures_and_colors(tmp_path: Path) -> None:
    from PIL import Image

    path, shot = tmp_path / "report.html", tmp_path / "shot.png"
    path.write_text(rich_page(), encoding="utf-8")
    browse(tmp_path, "--window-size=1400,1600", f"--screenshot={shot}", str(path))
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert pixels.shape == (1600, 1400, 3)
    red = (pixels[..., 0] > 160) & (pixels[..., 1] < 70)  # the verdict
    blue = (pixels[..., 2] > 180) & (pixels[..., 0] < 110)  # isotherms
    assert red.sum() > 500
    assert blue.sum() > 500


# --- as PDF ---------------------------------------------------------------------------------------


@functools.cache
def rich_pdf() -> PdfReader:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.pdf"
        cryosim.write_pdf_report(rich_report(), rich_result(), path)
        return PdfReader(io.BytesIO(path.read_bytes()))


@needs_pdf
def test_the_pdf_says_what_the_page_says() -> None:
    texts = [" ".join(page.extract_text().split()) for page in rich_pdf().pages]
    text = " ".join(texts)
    for goal in rich_report().goals:
        when = goal_time(goal, rich_result().plan.protocol)
        words = celsius(" ".join(f"{goal_value(goal)} {goal_limit(goal)} {when}".split()))
        assert f"{words} {VERDICTS[goal.verdict]}" in text
    assert f"of {len(rich_report().goals)} goals failed" in text
    for title in ("Verdict", "End of freeze 2, 6 min", "Margins", "Probes", "Sources"):
        assert title in text
    assert 3 <= len(texts) <= 12
    for number, words in enumerate(texts, start=1):
        assert f"research only, not a medical device page {number} of {len(texts)}" in words
    assert sum(len(page.images) for page in rich_pdf().pages) >= 2 * 3  # charts are curves


@needs_pdf
def test_the_pdf_leads_nowhere() -> None:
    pdf = rich_pdf()

    def keys(thing: object) -> set[str]:
        if isinstance(thing, dict):
            return {str(key) for key in thing}.union(*map(keys, thing.values()))
        return set().union(*map(keys, thing)) if isinstance(thing, list) else set()

    found = keys([pdf.get_object(number) for number in range(1, int(pdf.trailer["/Size"]))])
    assert {"/Dest", "/Contents"} & found
    assert not {"/URI", "/JS", "/AA", "/Launch", "/EmbeddedFiles", "/GoToR"} & found


@pytest.mark.parametrize(
    ("module", "words"), [(None, "cryosim[pdf]"), (OSError, "apt install libpango-1.0-0")]
)
def test_a_missing_renderer_is_one_sentence(
    module: type[OSError] | None,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    if module is None:
        monkeypatch.setitem(sys.modules, "weasyprint", None)
    else:
        (tmp_path / "weasyprint.py").write_text("print('see the manual')\nraise OSError('pango')\n")
        monkeypatch.syspath_prepend(tmp_path)
    result = tmp_path / "result"
    result.mkdir()
    cryosim.save_result(rich_result(), result / "result.vtkhdf")
    assert main(["report", str(result), "--pdf"]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert len((printed.out + printed.err).splitlines()) == 1
    assert [path.name for path in result.iterdir()] == ["result.vtkhdf"]


@needs_pdf
def test_the_report_is_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cryosim.save_result(rich_result(), tmp_path / "result.vtkhdf")
    assert main(["report", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"result.vtkhdf", "report.html"}
    assert main(["report", str(tmp_path), "--pdf"]) == 0
    assert "report.html, report.pdf" in capsys.readouterr().out.replace("\n", " ")
    words = Reader((tmp_path / "report.html").read_text(encoding="utf-8")).words
    drop = ("Written",)
    assert [word for word in words if not word.startswith(drop)] == [
        word for word in Reader(rich_page()).words if not word.startswith(drop)
    ]
