"""The lessons that there are: whatever file is in netsim/story/lessons/. Story itself looks into no folder."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from netsim.story import lessons
from netsim.story.lesson import Lesson


def all_lessons() -> tuple[Lesson, ...]:
    """Every lesson, by number."""
    modules = (import_module(f"{lessons.__name__}.{info.name}") for info in iter_modules(lessons.__path__))
    found: list[Lesson] = [module.LESSON for module in modules if hasattr(module, "LESSON")]
    return tuple(sorted(found, key=lambda lesson: lesson.number))


def find_lesson(word: str) -> Lesson | None:
    """The lesson of this name or number, None if there is none."""
    return next((each for each in all_lessons() if word.lower() in (each.name, str(each.number))), None)
