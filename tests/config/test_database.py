"""Which database is meant: a file of SQLite's or a PostgreSQL, and nothing else is tried."""

from pathlib import Path

import pytest

from loyalty_engine.config import WrongSetting, from_environment


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x/y",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql+psycopg2://x/y",
        "postgres://x/y",
        "loyalty.db",
    ],
)
def test_what_is_no_database_of_ours_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(WrongSetting, match="LOYALTY_DATABASE_URL must be sqlite:///FILE"):
        from_environment({"LOYALTY_DATABASE_URL": url})


def test_a_file_is_found_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_environment({"LOYALTY_DATABASE_URL": "sqlite:///x.db"}).database_url == f"sqlite:///{tmp_path}/x.db"


@pytest.mark.parametrize("url", ["postgresql://u:p@db/loyalty", "postgresql+psycopg://u:p@db/loyalty"])
def test_a_server_is_taken_as_it_is_said(url: str) -> None:
    assert from_environment({"LOYALTY_DATABASE_URL": url}).database_url == url
