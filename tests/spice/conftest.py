"""Exported netlists, run by plain ngspice."""

import re
import subprocess

import pytest

from bitline.cli.artefacts import write_netlist


@pytest.fixture
def measured_alone(tmp_path):
    """Run a netlist as it is exported with `ngspice -b FILE`; its measures by name."""

    def run(netlist):
        path = tmp_path / "alone.cir"
        write_netlist(path, netlist, {})
        ran = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=False)  # noqa: S607
        assert ran.returncode == 0, ran.stdout + ran.stderr
        _, _, said = ran.stdout.rpartition("Measurements for")
        found = {name: float(value) for name, value in re.findall(r"^(\w+) *= +(\S+)", said, re.MULTILINE)}
        asked = {line.split()[2] for line in netlist.measures}
        assert asked <= found.keys(), ran.stdout
        return {name: found[name] for name in asked}

    return run
