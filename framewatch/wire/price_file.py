"""Price files: YAML text in, price tables out, or every problem at once with its line and the fix.

    prices.yaml:12: tables[0].prices.sms_parts: what is wrong; the fix

`config/prices.yaml` is today's, by region, and travels in the zip of each function that prices something;
`config/prices-study-2019.yaml` is of the study that this project comes from.
"""

from functools import cache
from pathlib import Path

from framewatch.domain.errors import PermanentError
from framewatch.domain.prices import PriceFile, PriceTable
from framewatch.wire.settings_model import validate_settings
from framewatch.wire.yaml_reading import Reading, read_settings, report

# Beside our packages, in the repository and in a zip alike.
_CONFIG = Path(__file__).resolve().parents[2] / "config"
PRICES = _CONFIG / "prices.yaml"
STUDY_PRICES = _CONFIG / "prices-study-2019.yaml"


class PriceFileError(PermanentError):
    """The price file is wrong or not there; the message gives file, line and the fix for each problem."""


def load_prices(region: str | None = None, path: Path = PRICES) -> PriceTable:
    """region: None for the file's first. Raises PriceFileError, and PriceMissing for a region without prices."""
    return read_price_file(path).table(region)


def prices_near(region: str) -> PriceTable:
    """Of the region; where it has none, the file's first: the table says whose it is. Raises PriceFileError."""
    file = read_price_file()
    return next((table for table in file.tables if table.region == region), file.tables[0])


@cache
def read_price_file(path: Path = PRICES) -> PriceFile:
    """Read once a process. Raises PriceFileError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PriceFileError(f"{path} cannot be read ({error.strerror}); name a price file that is there") from None
    return read_price_text(text, path.name)


def read_price_text(text: str | bytes, filename: str = "prices.yaml") -> PriceFile:
    """Raises PriceFileError with one line for each problem."""
    reading = Reading(example="config/prices.yaml")
    data = read_settings(text, reading)
    found = validate_settings(PriceFile, data, reading) if data is not None else None
    if reading.problems or found is None:
        raise PriceFileError(report(filename, reading))
    return found
