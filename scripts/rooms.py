#!/usr/bin/env python3
"""Finds circles among the rooms of the library: the top modules of src, each of which may use only those below it.

A room uses another one where a `crate::` path outside tests leads there, directly or through what lib.rs
re-exports. Prints each circle with the lines that make it, and fails if there is one.

    scripts/rooms.py            the check
    scripts/rooms.py --order    the rooms, each after those that it uses
"""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / "src"


def without_tests(text):
    """Blanks comments and the bodies of test modules, and keeps the lines."""
    text = re.sub(r"//[^\n]*", "", text)
    lines, depth, testing = [], 0, False
    pending = False
    for line in text.split("\n"):
        if not testing and re.match(r"\s*#\[cfg\((all\()?test\b", line):
            pending = True
        if pending and re.match(r"\s*(pub(\([^)]*\))?\s+)?mod\s+\w+\s*\{", line):
            testing, pending, depth = True, False, 0
        elif pending and re.match(r"\s*(pub(\([^)]*\))?\s+)?(mod\s+\w+\s*;|use\b|fn\b|impl\b|struct\b)", line):
            pending = False
            if re.match(r"\s*(pub(\([^)]*\))?\s+)?mod\s+\w+\s*;", line):
                line = ""
        if testing:
            depth += line.count("{") - line.count("}")
            lines.append("")
            if depth <= 0:
                testing = False
            continue
        # What only rustdoc reads ties no rooms together.
        lines.append(line)
    return "\n".join(lines)


def uses(text):
    """Yields the first segments behind each `crate::`, with the line."""
    for match in re.finditer(r"\bcrate::(\{|\w+)", text):
        line = text.count("\n", 0, match.start()) + 1
        before = text[text.rfind("\n", 0, text.rfind("\n", 0, match.start())) + 1 : match.start()]
        if "#[cfg(doc)]" in before or "#[doc" in before.split("\n")[-1]:
            continue
        if match.group(1) != "{":
            yield match.group(1), line
            continue
        depth, start = 1, match.end()
        for at in range(start, len(text)):
            if text[at] in "{(":
                depth += 1
            elif text[at] in ")}":
                depth -= 1
            if depth == 1 and text[at] == "," or depth == 0:
                part = text[start:at].strip()
                if part:
                    yield re.match(r"\w+", part).group(0), text.count("\n", 0, start) + 1
                start = at + 1
            if depth == 0:
                break


def names_of_lib(rooms):
    """Maps what lib.rs re-exports to the room that it comes from."""
    names = {room: room for room in rooms}
    lib = without_tests((SRC / "lib.rs").read_text())
    for room, items in re.findall(r"pub(?:\(crate\))? use (\w+)(?:::\w+)*::(\{[^}]*\}|\w+);", lib):
        for item in re.findall(r"\w+(?: as \w+)?", items):
            names[item.split(" as ")[-1]] = room
    return names


def graph():
    rooms = {path.stem for path in SRC.glob("*.rs") if path.stem != "lib"}
    rooms |= {path.name for path in SRC.iterdir() if path.is_dir()}
    names = names_of_lib(rooms)
    edges = {room: {} for room in rooms}
    for path in sorted(SRC.rglob("*.rs")):
        room = path.relative_to(SRC).parts[0].removesuffix(".rs")
        if room == "lib" or path.name == "bindings.rs":
            continue
        for name, line in uses(without_tests(path.read_text())):
            other = names.get(name)
            if other and other != room:
                edges[room].setdefault(other, []).append(f"{path.relative_to(SRC.parent)}:{line}")
    return edges


def circles(edges):
    """Returns the strongly connected components of more than one room, and all of them in order."""
    index, low, stack, order = {}, {}, [], []

    def visit(room):
        index[room] = low[room] = len(index)
        stack.append(room)
        for other in edges[room]:
            if other not in index:
                visit(other)
                low[room] = min(low[room], low[other])
            elif other in stack:
                low[room] = min(low[room], index[other])
        if low[room] == index[room]:
            component = set()
            while room not in component:
                component.add(stack.pop())
            order.append(component)

    for room in sorted(edges):
        if room not in index:
            visit(room)
    return [component for component in order if len(component) > 1], order


def main():
    edges = graph()
    found, order = circles(edges)
    if "--order" in sys.argv[1:]:
        for component in order:
            print(*sorted(component))
        return 0
    for component in found:
        print(f"a circle of rooms: {', '.join(sorted(component))}")
        for room in sorted(component):
            for other in sorted(set(edges[room]) & component):
                print(f"  {room} -> {other}: {', '.join(edges[room][other])}")
    return 1 if found else 0


sys.setrecursionlimit(10_000)
sys.exit(main())
