"""Command of `make mutate`: change chalicelib in random places, and report the changes that no test notices.

Cosmic Ray makes the changes, each in a copy of the project. A change counts as noticed if a test fails or hangs.
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.mutation.statements import RemoveStatement
from tests.support.projects import PROJECT

PACKAGE = PROJECT / "chalicelib"
PARALLEL = 2
REQUIRED_SHARE = 0.9
IGNORED = shutil.ignore_patterns(".[!c]*", "__pycache__", "build", "node_modules")
DYNOXIDE = Path("tests/node/node_modules")
PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "pytest_timeout", "-p", "no:tests.support.scheduling"]
USERS = {
    "auth": ["auth", "rest", "websocket", "chat"],
    "chat": ["chat", "websocket", "rest", "auth", "faults/test_crashes.py"],
    "delivery": ["delivery", "chat", "websocket", "test_request_log.py"],
    "protocol": ["protocol", "websocket", "rest", "descriptions/test_openapi.py", "descriptions/test_asyncapi.py"],
    "rest": ["rest", "auth", "chat/webhooks", "descriptions/test_openapi.py"],
    "storage": ["storage", "chat", "auth", "faults/test_crashes.py"],
    "websocket": ["websocket", "chat", "auth", "faults/test_crashes.py", "test_request_log.py"],
    "": ["test_*.py", "websocket", "rest", "chat", "delivery", "faults/test_crashes.py"],
}
"""The tests that have to notice a change in a package, after those of its module."""

OPERATORS = {name: operator() for name in operator_names() if not (operator := get_operator(name)).arguments()}
OPERATORS["RemoveStatement"] = RemoveStatement()


class Mutant(NamedTuple):
    """A change of one place."""

    module: str
    line: int
    function: str
    operator: str
    occurrence: int

    def apply(self, source: str) -> str:
        return str(mutate_code(source, OPERATORS[self.operator], self.occurrence))

    def is_equivalent(self, to: dict[str, str], source: str) -> bool:
        """Tell whether an entry of equivalent.toml says that the change has no effect that a test should notice."""
        code = to.get("code", "") in source.splitlines()[self.line - 1]
        return code and (self.module, self.function) == (to["module"], to["function"]) and to["change"] in self.operator


def _places(only: str) -> Iterator[list[Mutant]]:
    """Yield the possible changes of each place. Named numbers are left out: tests must not pin them."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if only not in (module := path.relative_to(PACKAGE).as_posix()):
            continue
        occurrences, places = Counter[str](), defaultdict[tuple[int, int], list[Mutant]](list)
        for node in ast_nodes(get_ast_from_path(path)):
            function = node.search_ancestor("funcdef")
            for name, operator in OPERATORS.items():
                for start, _ in operator.mutation_positions(node):
                    if function or "Number" not in name:
                        owner = function.name.value if function else ""
                        places[start].append(Mutant(module, start[0], owner, name, occurrences[name]))
                    occurrences[name] += 1
        yield from places.values()


def _meaning(source: str) -> str:
    """Return what Python executes: annotations of functions and variables have no effect outside protocol/."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if hasattr(node, name):
                setattr(node, name, None)
    return ast.dump(tree)


def _changes_meaning(mutant: Mutant, source: str) -> bool:
    try:
        return mutant.module.startswith("protocol/") or _meaning(mutant.apply(source)) != _meaning(source)
    except SyntaxError:
        return False


def _tests(module: str) -> list[str]:
    """List the test files for a module: first those named like it, then those of the packages that use it."""
    package, _, name = module.removesuffix(".py").rpartition("/")
    patterns = [f"{package}/test_{name}*.py", f"{package}/{name}/test_*.py"]
    patterns += [user if user.endswith(".py") else f"{user}/**/test_*.py" for user in USERS[package]]
    files = [path for pattern in patterns for path in sorted((PROJECT / "tests").glob(pattern.lstrip("/")))]
    return list(dict.fromkeys(str(path.relative_to(PROJECT)) for path in files))


def _failure(tests: list[str], copy: Path, *options: str) -> str:
    """Run tests in a copy until one fails, and return the output then. One that takes more than a minute fails."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [*PYTEST, "--timeout=60", *options, *tests]
    run = subprocess.run(command, cwd=copy, env=environment, text=True, capture_output=True)
    return run.stdout if run.returncode else ""


def main(count: int, only: str, seed: int) -> int:
    """Try count changes in the modules whose path contains a text. Return the exit code: 1 if too few are noticed."""
    print(f"SEED={seed}", flush=True)
    choice = random.Random(seed)
    places = list(_places(only))
    choice.shuffle(places)
    sources = {str(path.relative_to(PACKAGE)): path.read_text() for path in PACKAGE.rglob("*.py")}
    known: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())["equivalent"]
    candidates = (choice.choice(place) for place in places)
    changes = (mutant for mutant in candidates if _changes_meaning(mutant, sources[mutant.module]))
    sample = [mutant for mutant, _ in zip(changes, range(count), strict=False)]
    excused = {m for m in sample if any(m.is_equivalent(entry, sources[m.module]) for entry in known)}

    copies = SimpleQueue[Path]()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(PARALLEL) as pool:
        for number in range(PARALLEL):
            copy = Path(folder) / str(number)
            shutil.copytree(PROJECT, copy, ignore=IGNORED)
            (copy / DYNOXIDE).symlink_to(PROJECT / DYNOXIDE)
            copies.put(copy)

        def is_noticed(mutant: Mutant) -> bool:
            copy = copies.get()
            file, source = copy / "chalicelib" / mutant.module, sources[mutant.module]
            file.write_text(mutant.apply(source))
            noticed = bool(_failure(_tests(mutant.module), copy))
            file.write_text(source)
            copies.put(copy)
            return noticed

        unchanged = sorted({test for mutant in sample for test in _tests(mutant.module)})
        if failure := _failure(unchanged, Path(folder) / "0", "-p", "xdist.plugin", f"--numprocesses={PARALLEL}"):
            raise RuntimeError(f"expected that the tests pass without a change: {failure[-3000:]}")
        tried = [mutant for mutant in sample if mutant not in excused]
        noticed = 0
        for mutant, is_caught in zip(tried, pool.map(is_noticed, tried), strict=True):
            noticed += is_caught
            if not is_caught:
                source = sources[mutant.module].splitlines()
                print(f"{mutant.module}:{mutant.line} {mutant.function} {mutant.operator}")
                changed = mutant.apply(sources[mutant.module]).splitlines()
                at = next(n for n, pair in enumerate(zip(source, changed, strict=False)) if pair[0] != pair[1])
                print(f"  - {source[at].strip()}\n  + {changed[at].strip()}", flush=True)
    print(f"noticed {noticed} of {len(tried)}; {len(excused)} more are equivalent")
    return int(noticed < REQUIRED_SHARE * len(tried))


if __name__ == "__main__":
    settings = os.environ
    sys.exit(main(int(settings["COUNT"]), settings["ONLY"], int(settings["SEED"] or random.randrange(10**6))))
