"""Command of `make mutate`: change chalicelib in random places, and report the changes that no test notices.

Cosmic Ray makes each change in a copy of the project, and the tests that execute the changed line run until one fails.
coverage.py tells which these are.
"""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData

from tests.mutation.statements import RemoveStatement
from tests.support.projects import PROJECT

PACKAGE = PROJECT / "chalicelib"
REQUIRED_SHARE = 0.9
TESTS = ["auth", "chat", "delivery", "protocol", "rest", "storage", "websocket", "deployment/test_permissions.py"]
TESTS += ["descriptions/test_asyncapi.py", "descriptions/test_openapi.py"]
TESTS += ["faults/test_conflicts.py", "faults/test_crashes.py"]
TESTS += [path.name for path in (PROJECT / "tests").glob("test_*.py")]
"""The tests that have to notice the changes: the quick ones, without random input."""

PARALLEL = 2
MAX_SECONDS = 1_800
"""Time after which a run of the tests counts as failed."""

PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "xdist.plugin", "-p", "pytest_timeout"]
PYTEST += ["-p", "no:tests.support.scheduling"]  # which would change the order of the tests
COVERAGE = [f"-n{PARALLEL}", "-p", "pytest_cov.plugin", "--cov=chalicelib", "--cov-context=test", "--cov-report="]
IGNORED = shutil.ignore_patterns(".[!c]*", "__pycache__", "build", "node_modules")
DYNOXIDE = Path("tests/node/node_modules")

OPERATORS = {name: operator() for name in operator_names() if not (operator := get_operator(name)).arguments()}
OPERATORS["RemoveStatement"] = RemoveStatement()


class Mutant(NamedTuple):
    """A change of one statement."""

    module: str
    function: str
    lines: tuple[int, ...]
    operator: str
    occurrence: int

    def apply(self) -> str:
        return str(mutate_code(_source(self.module), OPERATORS[self.operator], self.occurrence))

    def is_a_change(self) -> bool:
        """Return whether Python executes something else than before."""
        try:
            return _meaning(self.apply(), self.module) != _meaning(_source(self.module), self.module)
        except SyntaxError:
            return False

    def is_equivalent(self, entry: dict[str, str]) -> bool:
        """Return whether an entry of equivalent.toml says that no test should notice the change."""
        place = (self.module, self.function) == (entry["module"], entry["function"])
        return place and entry["operator"] in self.operator and entry.get("code", "") in str(self)

    def __str__(self) -> str:
        pairs = zip(_source(self.module).splitlines(), self.apply().splitlines(), strict=False)
        before, after = next(pair for pair in pairs if pair[0] != pair[1])
        place = f"{self.module}:{self.lines[0]} {self.function} {self.operator}"
        return f"{place}\n  - {before.strip()}\n  + {after.strip()}"


@cache
def _source(module: str) -> str:
    return (PACKAGE / module).read_text()


def _places(only: str) -> Iterator[list[Mutant]]:
    """Yield the possible changes of each place. Named numbers are left out: a test must not pin a constant."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if only not in (module := path.relative_to(PACKAGE).as_posix()):
            continue
        occurrences, places = Counter[str](), defaultdict[tuple[int, int], list[Mutant]](list)
        for node in ast_nodes(get_ast_from_path(path)):
            function = node.search_ancestor("funcdef")
            # The tests of a function notice if its decorator changes.
            statement = node.search_ancestor("simple_stmt", "decorated") or node
            lines = tuple(range(statement.start_pos[0], statement.end_pos[0] + 1))
            for name, operator in OPERATORS.items():
                for start, _ in operator.mutation_positions(node):
                    if function or "Number" not in name:
                        owner = function.name.value if function else ""
                        places[start].append(Mutant(module, owner, lines, name, occurrences[name]))
                    occurrences[name] += 1
        yield from places.values()


def _meaning(source: str, module: str) -> str:
    """Return the syntax tree that Python executes: it evaluates the annotations of the fields in protocol/ only."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg) or (isinstance(node, ast.AnnAssign) and not module.startswith("protocol/")):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def _tests(mutant: Mutant, contexts: dict[int, list[str]]) -> list[str]:
    """Return the tests that execute a change, those of its module first.

    An import executes what is outside of functions, in no test. The tests that are named like the module notice if it
    changes, those of the rooms if there are none or it is a model, and the one that generates the documents from the
    declarations.
    """
    found = {context for line in mutant.lines for context in contexts.get(line, [""])}
    name = f"test_{Path(mutant.module).stem}"
    paths = [*(PROJECT / "tests").rglob(f"{name}*.py"), *(PROJECT / "tests").rglob(f"{Path(mutant.module).stem}/")]
    own = sorted(str(path.relative_to(PROJECT)) for path in paths)
    if not own or mutant.module.startswith("storage/"):
        own.append("tests/chat")
    tests = {context.partition("|")[0].partition("[")[0] for context in found - {""}}
    of_import = [*own, "tests/descriptions/test_generated_files.py"] if "" in found else []
    return of_import + sorted(tests, key=lambda test: (name not in test, test))


def _failure(copy: Path, tests: list[str], *options: str) -> str:
    """Run tests in a copy until one fails, and return the output then."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [*PYTEST, *options, *tests]
    try:
        run = subprocess.run(command, cwd=copy, env=environment, text=True, capture_output=True, timeout=MAX_SECONDS)
    except subprocess.TimeoutExpired:  # a loop that never ends, where pytest has no timeout
        return f"The tests did not end within {MAX_SECONDS} seconds."
    return run.stdout + run.stderr if run.returncode else ""


def _coverage(copy: Path) -> Callable[[str], dict[int, list[str]]]:
    """Run all tests, and return a function that returns the tests of each line of a module."""
    if failure := _failure(copy, [f"tests/{test}" for test in TESTS], *COVERAGE):
        raise RuntimeError(f"expected that the tests pass without a change: {failure[-3000:]}")
    data = CoverageData(str(copy / ".coverage"))
    data.read()
    return lambda module: data.contexts_by_lineno(str(copy / "chalicelib" / module))


def main(count: int, only: str, seed: int) -> int:
    """Try count changes in the modules whose path contains a text. Return the exit code: 1 if too few are noticed."""
    print(f"SEED={seed}", flush=True)
    choice, places = random.Random(seed), list(_places(only))
    choice.shuffle(places)
    changes = (mutant for mutant in map(choice.choice, places) if mutant.is_a_change())
    sample = [mutant for mutant, _ in zip(changes, range(count), strict=False)]
    known: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())["equivalent"]
    tried = [mutant for mutant in sample if not any(map(mutant.is_equivalent, known))]

    copies, noticed = SimpleQueue[Path](), 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(PARALLEL) as pool:
        for number in range(PARALLEL):
            copy = Path(folder).resolve() / str(number)
            shutil.copytree(PROJECT, copy, ignore=IGNORED)
            (copy / DYNOXIDE).symlink_to(PROJECT / DYNOXIDE)
            copies.put(copy)
        contexts = _coverage(Path(folder).resolve() / "0")

        def is_noticed(mutant: Mutant) -> bool:
            copy = copies.get()
            file = copy / "chalicelib" / mutant.module
            file.write_text(mutant.apply())
            failure = _failure(copy, _tests(mutant, contexts(mutant.module)), "-n0", "--timeout=60")
            file.write_text(_source(mutant.module))
            copies.put(copy)
            return failure != ""

        for mutant, was_noticed in zip(tried, pool.map(is_noticed, tried), strict=True):
            noticed += was_noticed
            if not was_noticed:
                print(mutant, flush=True)
    print(f"noticed {noticed} of {len(tried)}; {len(sample) - len(tried)} more are listed as equivalent")
    return int(noticed < REQUIRED_SHARE * len(tried))


if __name__ == "__main__":
    sys.exit(main(int(os.environ["COUNT"]), os.environ["ONLY"], int(os.environ["SEED"] or random.randrange(10**6))))
