"""Finds the data files of installed packages that are never imported, because their code needs what we don't."""

from importlib import metadata
from pathlib import Path
from typing import Final

from rules.errors import NotFound

_REMEDY: Final = "install the demo data with: pip install 'loyalty-engine[demo]'"


def data_file(distribution: str, name: str) -> Path:
    """Return where `distribution` keeps the file called `name`.

    Raises NotFound, naming the extra to install, when either isn't there.
    """
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError as missing:
        raise NotFound("demo_data_missing", f"The package {distribution} is not installed; {_REMEDY}") from missing
    for file in files:
        path = Path(str(file.locate()))
        if file.name == name and path.is_file():
            return path
    raise NotFound("demo_data_missing", f"The package {distribution} has no file {name}; {_REMEDY}")
