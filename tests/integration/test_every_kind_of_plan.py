"""Every command on every kind of plan ends with an exit code and a sentence, never a traceback."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from case_files import PLAN, edited, write_case
from cryosim.cli import main
from cryosim.images import write_probe_lines
from cryosim.plan import plan_from_dict, probe_lines

PROBE = PLAN[PLAN.index("[[probe]]") : PLAN.index("[protocol]")]
PROTOCOL = PLAN[PLAN.index("[protocol]") : PLAN.index("[grid]")]
TARGET = PLAN[PLAN.index("[target]") : PLAN.index("[[organ_at_risk]]")]
SEARCH = "\n[optimize]\nmax_probes = 1\n"
KINDS = {
    "whole": PLAN,
    "search only": edited(PLAN, {PROBE: ""}) + SEARCH,
    "no probes": edited(PLAN, {PROBE: ""}),
    "labels alone": edited(PLAN, {'image = "ct.nii.gz"\n': ""}),
    "labels alone, no probes": edited(PLAN, {'image = "ct.nii.gz"\n': "", PROBE: ""}),
    "no target": edited(PLAN, {TARGET: ""}),
    "no target, search only": edited(PLAN, {TARGET: "", PROBE: ""}) + SEARCH,
    "nothing to look at": edited(
        PLAN, {TARGET: "", PROBE: "", PLAN[PLAN.index("[[organ") : PLAN.index("[[probe")]: ""}
    )
    + SEARCH,
    "no protocol": edited(PLAN, {PROTOCOL: ""}),
    "empty": "",
}
COMMANDS = {
    "check": ["check", "plan.toml"],
    "run": ["run", "plan.toml", "-o", "out"],
    "run --probes": ["run", "plan.toml", "--probes", "lines.mrk.json", "-o", "out"],
    "benchmark": ["benchmark", "plan.toml", "--spacing-mm", "5,4", "-o", "out"],
}
# What works; all else is refused.
FINE = {
    ("whole", "check"), ("whole", "run"), ("whole", "run --probes"), ("whole", "benchmark"),
    ("no target", "check"), ("no target", "run"), ("no target", "run --probes"),
    ("no target", "benchmark"), ("search only", "check"), ("no probes", "check"),
    ("labels alone", "check"), ("labels alone", "run"), ("labels alone", "run --probes"),
    ("labels alone", "benchmark"), ("labels alone, no probes", "check"),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_command_on_every_kind_of_plan(
    kind: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_case(tmp_path)
    (tmp_path / "plan.toml").write_text(
        KINDS[kind].replace("freeze 3 min; thaw 1 min", "freeze 1 min")
        .replace("spacing_mm = 2.0", "spacing_mm = 4.0")
    )  # fmt: skip
    own = plan_from_dict(tomllib.loads(PLAN), tmp_path, "plan")
    write_probe_lines(probe_lines(own), tmp_path / "lines.mrk.json")
    monkeypatch.chdir(tmp_path)
    code = main(COMMANDS[command])
    said = capsys.readouterr()
    if (kind, command) in FINE:
        assert code in (0, 1), said.err
    else:
        assert code == 2
        assert said.err.startswith("cryosim: ")
        assert "\n" not in said.err.strip()
        assert not (tmp_path / "out").exists()
