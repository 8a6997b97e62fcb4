"""What a name or a chain of attributes means now, found without running any of the program's code."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Mapping
from types import CodeType, FrameType, MemberDescriptorType, ModuleType
from typing import Any

UNKNOWN: Any = object()  # it means nothing yet, or can't be found out without side effects


class Scope:
    """The names that a stretch of the program sees. `own` are those that are its own, bound or not (yet)."""

    def __init__(self, names: Mapping[str, Any], own: Collection[str], outer: Mapping[str, Any]) -> None:
        self._names, self._own, self.outer = names, own, outer

    def lookup(self, name: str) -> Any:
        """The value of a name, or UNKNOWN."""
        try:
            return self._names[name]
        except KeyError:
            pass
        if name in self._own:
            return UNKNOWN
        value = self.outer.get(name, UNKNOWN)
        return getattr(builtins, name, UNKNOWN) if value is UNKNOWN else value


def scope_of_frame(frame: FrameType, names: Mapping[str, Any]) -> Scope:
    """The scope of a frame whose f_locals are `names` (to be read only once: see Stops)."""
    return Scope(names, _own_names(frame.f_code), frame.f_globals)


def scope_of_function(function: ast.FunctionDef | ast.AsyncFunctionDef, outer: Mapping[str, Any]) -> Scope:
    """The scope that a function will have: nothing is known yet of what is its own."""
    own = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
    return Scope({}, own, outer)


def evaluate(node: ast.expr, scope: Scope) -> Any:
    """The value of a name, an attribute of one, or an item of a plain list, tuple or dict; UNKNOWN of all else."""
    match node:
        case ast.Name(id=name):
            return scope.lookup(name)
        case ast.Attribute(value=inner, attr=name):
            return _attribute(evaluate(inner, scope), name)
        case ast.Subscript(value=inner, slice=ast.expr() as index):
            return _item(evaluate(inner, scope), _key(index, scope))
        case _:
            return UNKNOWN


def _own_names(code: CodeType) -> Collection[str]:
    return {*code.co_varnames, *code.co_cellvars, *code.co_freevars}


def _key(node: ast.expr, scope: Scope) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
            return -value
        case _:
            return evaluate(node, scope)


def _item(container: Any, key: Any) -> Any:
    if type(container) in (list, tuple, dict) and type(key) in (int, str, bytes):
        try:
            return container[key]
        except (LookupError, TypeError):
            return UNKNOWN
    return UNKNOWN


def _attribute(owner: Any, name: str) -> Any:
    """An attribute that is simply there: a module's, an instance's own, a class's; not one that would be computed."""
    if owner is UNKNOWN:
        return UNKNOWN
    if type(owner) is ModuleType:
        return vars(owner).get(name, UNKNOWN)
    get: Callable[[Any, str], Any] = object.__getattribute__
    try:
        own = get(owner, "__dict__") if not isinstance(owner, type) else {}
    except AttributeError:
        own = {}
    if type(own) is dict and name in own:
        return own[name]
    for each in owner.__mro__ if isinstance(owner, type) else type(owner).__mro__:
        if name in vars(each):
            value = vars(each)[name]
            if isinstance(value, MemberDescriptorType) and not isinstance(owner, type):  # a name of __slots__
                try:
                    return value.__get__(owner)
                except AttributeError:
                    return UNKNOWN
            return value if not hasattr(type(value), "__get__") else UNKNOWN
    return UNKNOWN
