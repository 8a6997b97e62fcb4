"""A program's text, taken apart once: which lines belong together, and which socket calls may stand on them.

What stands on a line is a *site*: a call whose function looks like one of a socket's. Whether it is one depends on
what the names mean when the program gets there: `judge` decides that. Positions are those that the compiler gives its
instructions (PEP 657), so that it is known which sites an instruction still has before it.
"""

from __future__ import annotations

import ast
import builtins
import sys
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dis import opname
from types import CodeType
from warnings import catch_warnings, simplefilter

from .sockets import CALLS, CREATORS

Unit = ast.stmt | ast.ExceptHandler | ast.match_case  # what has lines of its own: a statement, or a header in one
Position = tuple[int, int]  # line from 1, column from 0 in UTF-8 bytes: where an expression ends

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.Module)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_TARGET = 80  # characters of a target's text
_DEEPEST = 20_000  # levels of a tree: more than the compiler takes
_CALL_OPS = frozenset(
    number for number, name in enumerate(opname) if name.startswith("CALL") and "INTRINSIC" not in name
)


class Site:
    """A call in the text, on the line before which the program rests for it: the first of its group.

    `receiver` is the expression that the method is taken from, None for a bare name.
    """

    __slots__ = ("ends", "line", "name", "receiver")

    def __init__(self, call: ast.Call, around: tuple[ast.expr, ...]) -> None:
        function = call.func
        self.receiver = function.value if isinstance(function, ast.Attribute) else None
        self.name = function.attr if isinstance(function, ast.Attribute) else function.id  # type: ignore[attr-defined]
        self.line = call.lineno
        # A comprehension is a call of its own before Python 3.12: there the site is behind that call.
        self.ends = tuple(_end(each) for each in (call, *around))

    @property
    def target(self) -> str:
        """What it is called on, as text: "conn", "socket"; "" for a bare name."""
        match self.receiver:
            case None:
                return ""
            case ast.Name(id=name):
                return name
            case expression:
                return ast.unparse(expression)[:_TARGET]


class Group:
    """Lines that only run together: a statement's, or a header's, or of several that share a line."""

    __slots__ = ("first", "has_comprehension", "last", "sites", "units", "withs")

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.units: list[Unit] = []
        self.sites: dict[Position, list[Site]] = {}
        self.withs: list[ast.With | ast.AsyncWith] = []
        self.has_comprehension = False


class Place:
    """Where a unit is: in `block` of `parent` at `index`. A header in a statement is in no block (None)."""

    __slots__ = ("block", "index", "parent")

    def __init__(self, parent: ast.AST, block: list[ast.stmt] | None, index: int) -> None:
        self.parent, self.block, self.index = parent, block, index


def lines_of(text: str) -> list[str]:
    """The lines as Python numbers them, and as the host does: only a newline ends one."""
    found = text.split("\n")
    return found[:-1] if found[-1] == "" else found


class Source:
    """The text, compiled, and its units by line. Raises SyntaxError (or ValueError) as compile() does.

    `first` is added to the numbers of its lines where others are told of them (see files).
    """

    def __init__(self, text: str, path: str, first: int = 0) -> None:
        self.path = path
        self.first = first
        self.code: CodeType = compile(text, path, "exec", dont_inherit=True)
        tree = _tree(text, path)
        self._plain_names = {each.name for each in ast.walk(tree) if isinstance(each, _FUNCTIONS)} | set(dir(builtins))
        self.places: dict[Unit, Place] = {}
        self.functions: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
        self._calls: dict[Unit, list[Site | ast.Call]] = {}
        self._runnable: set[int] = set()
        self._positions: dict[CodeType, list[tuple[int, int | None, Position | None]]] = {}
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, _DEEPEST))
        try:
            self._settle(tree)
            self._groups = self._make_groups()
        finally:
            sys.setrecursionlimit(limit)
        self._starts = [group.first for group in self._groups]

    def group_at(self, line: int) -> Group | None:
        """The lines that run together with this one."""
        index = bisect_right(self._starts, line) - 1
        group = self._groups[index] if index >= 0 else None
        return group if group is not None and line <= group.last else None

    def stops(self, every_line: bool) -> dict[int, Group]:
        """By line, the groups before which a program may have to rest."""
        return {
            line: group
            for group in self._groups
            if every_line or group.sites or group.withs
            for line in range(group.first, group.last + 1)
        }

    def runnable_from(self, line: int) -> int:
        """The first line from this one on that has instructions of its own; 0 if there is none."""
        if not self._runnable:
            codes = [self.code]
            while codes:
                code = codes.pop()
                codes += [each for each in code.co_consts if isinstance(each, CodeType)]
                self._runnable.update(number for _, _, number in code.co_lines() if number)
        return min((each for each in self._runnable if each >= line), default=0)

    def unit_at(self, line: int, code: CodeType) -> Unit | None:
        """The first unit on a line that is run by this code: by the module's, or by a function's own."""
        group = self.group_at(line)
        for unit in group.units if group is not None else ():
            scope = self.scope_of(unit)
            if getattr(scope, "name", "<module>") == code.co_name:
                return unit
        return None

    def scope_of(self, unit: Unit) -> ast.AST:
        """The function, class or module that a unit is in."""
        parent = self.places[unit].parent
        while not isinstance(parent, _SCOPES):
            parent = self.places[parent].parent  # type: ignore[index]
        return parent

    def calls_of(self, unit: Unit) -> list[Site | ast.Call]:
        """What a unit's own lines call, in the order of evaluation: sites, and calls of functions of this program."""
        return self._calls[unit]

    def sites_from(self, code: CodeType, offset: int, group: Group) -> list[Site]:
        """The sites between this instruction (an offset in bytes) and the one that leaves the group's lines."""
        positions = self._positions_of(code)
        found: dict[Site, None] = {}
        for index in range(offset // 2, len(positions)):
            operation, line, end = positions[index]
            if line is not None and not group.first <= line <= group.last:
                break
            if operation in _CALL_OPS and end in group.sites:
                found.update(dict.fromkeys(group.sites[end]))
        return list(found)

    def _positions_of(self, code: CodeType) -> list[tuple[int, int | None, Position | None]]:
        if code not in self._positions:
            self._positions[code] = [
                (operation, line, None if end is None or column is None else (end, column))
                for operation, (line, end, _, column) in zip(code.co_code[::2], code.co_positions(), strict=True)
            ]
        return self._positions[code]

    # --- taking it apart

    def _settle(self, parent: ast.AST) -> None:
        """Note the place of every unit, and what it calls."""
        if isinstance(parent, _FUNCTIONS):
            self.functions.setdefault(parent.name, []).append(parent)
        elif isinstance(parent, ast.ClassDef):
            makers = [each for each in parent.body if getattr(each, "name", "") == "__init__"]
            self.functions.setdefault(parent.name, []).extend(makers)  # type: ignore[arg-type]
        for _, value in ast.iter_fields(parent):
            block = value if isinstance(value, list) else []
            for index, child in enumerate(block):
                if isinstance(child, ast.stmt):
                    self.places[child] = Place(parent, block, index)
                elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
                    self.places[child] = Place(parent, None, index)
                else:
                    continue
                self._calls[child] = list(_calls_in(child, self._plain_names))
                self._settle(child)

    def _make_groups(self) -> list[Group]:
        groups: list[Group] = []
        for first, last, unit in sorted(((*_lines(unit), unit) for unit in self.places), key=lambda each: each[0]):
            if groups and first <= groups[-1].last:
                groups[-1].last = max(groups[-1].last, last)
            else:
                groups.append(Group(first, last))
            group = groups[-1]
            group.units.append(unit)
            if isinstance(unit, (ast.With, ast.AsyncWith)):
                group.withs.append(unit)
            for call in self._calls[unit]:
                if isinstance(call, Site):
                    call.line = group.first + self.first
                    group.has_comprehension = group.has_comprehension or len(call.ends) > 1
                    for end in call.ends:
                        group.sites.setdefault(end, []).append(call)
        return groups


def _tree(text: str, path: str) -> ast.Module:
    """The text's tree; what the compiler warns of, it has said already."""
    with catch_warnings():
        simplefilter("ignore")
        tree = compile(text, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def own_expressions(unit: ast.AST) -> Iterator[ast.AST]:
    """A unit's parts that are evaluated on its own lines: not its blocks, nor the bodies of functions."""
    for name, value in ast.iter_fields(unit):
        if name == "body" and isinstance(unit, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                yield child


def _lines(unit: Unit) -> tuple[int, int]:
    """The first and the last of a unit's own lines."""
    if isinstance(unit, ast.stmt) and not hasattr(unit, "body") and not isinstance(unit, ast.Match):
        return unit.lineno, unit.end_lineno or unit.lineno
    parts = [each for each in own_expressions(unit) for each in ast.walk(each) if hasattr(each, "end_lineno")]
    firsts = [each.lineno for each in parts]  # type: ignore[attr-defined]
    lasts = [each.end_lineno for each in parts]
    if not isinstance(unit, ast.match_case):
        firsts.append(unit.lineno)
        lasts.append(unit.lineno)
    return min(firsts), max(lasts)


def _calls_in(
    node: ast.AST, plain_names: Collection[str], around: tuple[ast.expr, ...] = ()
) -> Iterator[Site | ast.Call]:
    """The calls on a node's own lines, innermost first: a call's receiver and arguments are evaluated before it.

    `plain_names` are functions' names, which no socket call has when it is called by a bare name.
    """
    inside = (*around, node) if isinstance(node, _COMPREHENSIONS) else around
    for child in own_expressions(node):
        yield from _calls_in(child, plain_names, inside)
    if isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Attribute):
            named_like_one = function.attr in CALLS | CREATORS
        else:
            named_like_one = isinstance(function, ast.Name) and function.id not in plain_names
        if named_like_one:
            yield Site(node, around)
        yield node


def _end(node: ast.expr) -> Position:
    return node.end_lineno or 0, node.end_col_offset or 0
