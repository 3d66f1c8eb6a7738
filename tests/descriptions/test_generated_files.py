"""The generated files are up to date with the declarations."""

from docs.generate import generated_files


def test_generated_files_are_up_to_date() -> None:
    for path, content in generated_files().items():
        assert path.read_text(encoding="utf-8") == content, f"{path.name} is outdated: run `make generate`"
