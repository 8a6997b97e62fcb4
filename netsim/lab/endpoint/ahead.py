"""The socket calls that a program has ahead, in the order in which a run comes to them, as far as its text tells.

A walk over the statements from where the program stands: on to the end of each block, around the loops that it is in,
into this program's own functions, and back to whoever called. What can't be reached (after `while True:` without a
break, after a return) is not ahead. Each call is listed once, where a run comes to it first.
"""

from __future__ import annotations

import ast
from types import FrameType
from typing import Any

from .files import Files
from .judge import judge, judge_exit
from .lookup import Scope, scope_of_frame, scope_of_function
from .source import Site, Unit

MOST = 60  # calls that are listed
HIDDEN = ("<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # frames that are part of a line

# How a run leaves a block: it comes to its end, or by one of these statements.
_END, _BREAK, _CONTINUE, _RETURN = "end", "break", "continue", "return"
Ways = frozenset[str]
_FALLS: Ways = frozenset({_END})


class _Enough(Exception):
    """The list is long enough."""


class Ahead:
    """One walk. `found` is the result, CallAhead fields in order."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._source = files.program  # that of the frame in which the walk is
        self._seen: set[object] = set()
        self._entered: set[ast.AST] = set()
        self.found: list[dict[str, Any]] = []

    def begin(self, calls: list[tuple[object, dict[str, Any]]]) -> None:
        """Put these first: the calls on the line at which the program stands, each with what it comes from."""
        for origin, call in calls[: MOST - 1]:
            self._add(origin, call)

    def walk(self, frame: FrameType, scope: Scope, leaving: ast.AST | None) -> None:
        """Walk on from where a frame stands. `leaving`: the `with` statement whose block has just ended there."""
        try:
            self._walk(frame, scope, leaving)
        except (_Enough, RecursionError):  # a long chain of elif is nested as deeply as it is long
            pass

    def _walk(self, frame: FrameType, scope: Scope, leaving: ast.AST | None) -> None:
        self._source = self._files.of(frame.f_code) or self._source
        unit = self._source.unit_at(frame.f_lineno or 0, frame.f_code)
        if unit is not None:
            if isinstance(leaving, (ast.With, ast.AsyncWith)):
                ways = self._out(leaving, scope, _FALLS)
            else:
                ways = self._out(unit, scope, self._unit(unit, scope))
            if not ways & {_END, _RETURN}:
                return
        caller = frame.f_back
        while caller is not None:
            code = caller.f_code
            source = self._files.of(code)
            if source is not None and code.co_name not in HIDDEN:
                self._source = source
                scope = scope_of_frame(caller, caller.f_locals)
                line = caller.f_lineno or 0
                unit, group = self._source.unit_at(line, code), self._source.group_at(line)
                if unit is not None and group is not None:
                    for site in self._source.sites_from(code, caller.f_lasti + 2, group):
                        self._add(site, judge(site, scope, now=False))
                    if not self._out(unit, scope, self._blocks(unit, scope)) & {_END, _RETURN}:
                        return
            caller = caller.f_back

    def _add(self, origin: object, call: dict[str, Any] | None) -> None:
        """Note a call, if it is one and is not noted yet; `origin` is the site or the with-item it comes from."""
        if call is None or origin in self._seen:
            return
        self._seen.add(origin)
        self.found.append(call)
        if len(self.found) >= MOST:
            raise _Enough

    # --- inwards: a unit and all that is in it

    def _unit(self, unit: Unit, scope: Scope) -> Ways:
        self._own_calls(unit, scope)
        return self._blocks(unit, scope)

    def _own_calls(self, unit: Unit, scope: Scope) -> None:
        for call in self._source.calls_of(unit):
            if isinstance(call, Site):
                self._add(call, judge(call, scope, now=False))
            else:
                self._into_function(call, scope)

    def _into_function(self, call: ast.Call, scope: Scope) -> None:
        name = str(getattr(call.func, "id", getattr(call.func, "attr", "")))
        here = self._source
        for source in (here, *self._files.others(here)):
            for function in source.functions.get(name, ()):
                if function not in self._entered:
                    self._entered.add(function)
                    self._source = source
                    outer = scope.outer if source is here else {}  # another file's names are not known here
                    self._block(function.body, 0, scope_of_function(function, outer))
                    self._source = here
            if name in source.functions:
                return

    def _block(self, block: list[ast.stmt], index: int, scope: Scope) -> Ways:
        ways: Ways = frozenset()
        for unit in block[index:]:
            here = self._unit(unit, scope)
            ways |= here - _FALLS
            if _END not in here:
                return ways
        return ways | _FALLS

    def _blocks(self, unit: Unit, scope: Scope) -> Ways:
        """What is in a unit, after its own calls."""
        match unit:
            case ast.Return() | ast.Raise():
                return frozenset({_RETURN}) if isinstance(unit, ast.Return) else frozenset()
            case ast.Break():
                return frozenset({_BREAK})
            case ast.Continue():
                return frozenset({_CONTINUE})
            case ast.While() | ast.For() | ast.AsyncFor():
                return self._after_loop(unit, scope, self._block(unit.body, 0, scope))
            case ast.With() | ast.AsyncWith():
                ways = self._block(unit.body, 0, scope)
                self._exits(unit, scope)
                return ways
            case ast.If():
                return self._block(unit.body, 0, scope) | self._block(unit.orelse, 0, scope)
            case ast.Try() | ast.TryStar():
                return self._after_try(unit, scope, self._block(unit.body, 0, scope), unit.body)
            case ast.Match():
                ways = _FALLS
                for case in unit.cases:
                    ways |= self._unit(case, scope)
                return ways
            case ast.ClassDef() | ast.ExceptHandler() | ast.match_case():
                return self._block(unit.body, 0, scope)
            case _:
                return _FALLS

    def _exits(self, unit: ast.With | ast.AsyncWith, scope: Scope) -> None:
        for item in reversed(unit.items):
            self._add(item, judge_exit(item, self._source.first + unit.lineno, scope, now=False))

    def _after_loop(self, unit: ast.While | ast.For | ast.AsyncFor, scope: Scope, ways: Ways) -> Ways:
        """How a run leaves a loop, when it leaves its body in these ways."""
        endless = isinstance(unit, ast.While) and isinstance(unit.test, ast.Constant) and bool(unit.test.value)
        after: Ways = frozenset() if endless else self._block(unit.orelse, 0, scope)
        if _BREAK in ways:
            after |= _FALLS
        return after | (ways & {_RETURN})

    def _after_try(self, unit: ast.Try | ast.TryStar, scope: Scope, ways: Ways, block: list[ast.stmt] | None) -> Ways:
        """How a run leaves a try statement, when it leaves this block of it in these ways. Handlers come last."""
        if block is unit.body:
            if _END in ways:
                ways = (ways - _FALLS) | self._block(unit.orelse, 0, scope)
        if block is not unit.finalbody and _END not in self._block(unit.finalbody, 0, scope):
            ways = frozenset()
        if block is unit.body:
            for handler in unit.handlers:
                ways |= self._unit(handler, scope)
        return ways

    # --- outwards: from a unit to the end of all that it is in, up to its function's

    def _out(self, unit: Unit, scope: Scope, ways: Ways) -> Ways:
        while True:
            place = self._source.places[unit]
            if place.block is not None and _END in ways:
                ways = (ways - _FALLS) | self._block(place.block, place.index + 1, scope)
            parent = place.parent
            match parent:
                case ast.While() | ast.For() | ast.AsyncFor() if place.block is parent.body:
                    if ways & {_END, _CONTINUE}:  # around again
                        if isinstance(parent, ast.While):
                            self._own_calls(parent, scope)
                        ways |= self._block(parent.body, 0, scope)
                    ways = self._after_loop(parent, scope, ways)
                case ast.With() | ast.AsyncWith():
                    self._exits(parent, scope)
                case ast.Try() | ast.TryStar():
                    ways = self._after_try(parent, scope, ways, place.block)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Module():
                    return ways
            unit = parent  # type: ignore[assignment]
