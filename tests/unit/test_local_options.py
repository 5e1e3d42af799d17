"""What is said of an option that cannot be meant."""

import pytest

from local_cloud.cli import build_parser
from local_cloud.options import sampling_of
from local_cloud.problem import LocalProblem


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fps", "0"], "--fps 0: the number must be above 0, at most 1000."),
        (["--fps", "nan"], "--fps nan: the number must be above 0, at most 1000."),
        (["--every", "0"], "--every 0: the number must be at least 1."),
    ],
)
def test_a_rate_that_cannot_be_names_its_option(options, says):
    with pytest.raises(LocalProblem) as told:
        sampling_of(build_parser().parse_args(["run", *options]))
    assert str(told.value) == says


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "8_080"])
def test_what_is_no_port_is_refused_with_what_one_is(port, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["demo", f"--port={port}"])
    assert f"'{port}' is no port; a port is a number from 1 to 65535" in capsys.readouterr().err
