"""Whether a site is a socket call, by what its names mean now; where they mean nothing yet, by how it is called.

Only calls that get reported count: of TCP and UDP sockets.
"""

from __future__ import annotations

import _socket
import ast
import socket
from types import MethodType
from typing import Any

from .describe import ahead_fields, descriptor_of, is_inet
from .lookup import UNKNOWN, Scope, evaluate
from .sockets import CALLS, CREATORS
from .source import Site

# On something that is no name and can't be looked at, as in `conns[i + 1].send(x)`, these can't be told from others'.
_AMBIGUOUS = frozenset({"bind", "close", "connect", "detach", "send", "shutdown"})


def judge(site: Site, scope: Scope, *, now: bool) -> dict[str, Any] | None:
    """A site as a CallAhead, None if it is no socket call. `now`: it is about to be made, so names mean what they mean.

    Later on, a name that holds None now is taken for one that means nothing yet.
    """
    if site.receiver is None:
        return _judge_bare(site, scope)
    value = evaluate(site.receiver, scope)
    if value is UNKNOWN or (value is None and not now):
        return _ahead(site) if _looks_like_one(site) else None
    if value is socket:
        return _ahead(site) if site.name in CREATORS else None
    if not _is_socket(value) or site.name not in CALLS:
        return None
    if now and site.name == "close" and descriptor_of(value) < 0:
        return None  # closed already: nothing will happen
    return _ahead(site, value)


def judge_exit(item: ast.withitem, line: int, scope: Scope, *, now: bool) -> dict[str, Any] | None:
    """The close() at the end of a `with` block over a socket, as a CallAhead, None if there is none."""
    holder = item.optional_vars or item.context_expr
    value = evaluate(holder, scope)
    if _is_socket(value):
        descriptor = descriptor_of(value)
        if now and descriptor < 0:
            return None
    elif now or not (value is UNKNOWN or value is None) or not _makes_one(item.context_expr, scope):
        return None
    else:
        descriptor = -1
    return {"name": "close", "line": line, "target": ast.unparse(holder), "fd": descriptor if descriptor >= 0 else None}


def _judge_bare(site: Site, scope: Scope) -> dict[str, Any] | None:
    value = scope.lookup(site.name)
    if issubclass(type(value), type):
        return _ahead(site, name="socket") if issubclass(value, _socket.socket) else None
    if any(value is getattr(socket, name) for name in CREATORS):
        return _ahead(site, name=value.__name__)
    if type(value) is MethodType and _is_socket(value.__self__) and value.__name__ in CALLS:  # send = s.send
        return _ahead(site, value.__self__, name=value.__name__)
    return None


def _looks_like_one(site: Site) -> bool:
    if isinstance(site.receiver, ast.Name):
        return site.name in CREATORS if site.receiver.id == "socket" else site.name in CALLS
    return site.name in CALLS - _AMBIGUOUS


def _makes_one(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is a call of socket.socket or the like."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Attribute, ast.Name)):
        return False
    site = Site(node, ())
    ahead = judge(site, scope, now=False)
    return ahead is not None and ahead["name"] in CREATORS


def _is_socket(value: Any) -> bool:
    return issubclass(type(value), _socket.socket) and is_inet(value)


def _ahead(site: Site, sock: Any = None, name: str | None = None) -> dict[str, Any]:
    return ahead_fields(name or site.name, site.line, site.target, sock)
