"""Documents that are as bad as the loader's limits let them be, for measuring it."""

from genkan_profiles.reading import MAX_BYTES
from genkan_profiles.yaml_tree import MAX_NODES

FULL = MAX_BYTES - 200
MANY = MAX_NODES - 1000
HARDWARE = "{{slug: a{i}, display_name: b, cpu: 1, memory: 1Gi{more}}}"
IMAGE = '{{slug: a{i}, display_name: b, image: "a:1"{more}}}'


def rows(count: int, text: str, *, more: str = "") -> str:
    return "\n".join(f"- {text.format(i=number, more=more)}" for number in range(count))


def row(text: str, *, more: str = "") -> str:
    return f"- {text.format(i='x', more=more)}\n"


def sections(hardware: str, images: str = rows(1, IMAGE), *others: str) -> str:
    return "\n".join([f"hardware:\n{hardware}", f"images:\n{images}", *others])


def several(name: str, count: int) -> str:
    return f"[{', '.join(f'{name}{number}' for number in range(count))}]"


def fields(count: int) -> str:
    return "\n".join(f" k{number}: 1" for number in range(count))


SYNTAX = {
    "brackets": "[" * FULL,
    "braces": "{a: " * (FULL // 4),
    "dashes": "- " * (FULL // 2),
    "steps": "\n".join(" " * depth + "a:" for depth in range(1400)),
    "commas": f"[{',' * FULL}]",
    "empty lists": f"[{'[],' * (FULL // 3)}]",
    "empty keys": "? \n" * (FULL // 3),
    "colons": ":" * FULL,
    "quotes": '"' * FULL,
    "apostrophes": "'" * (FULL - 1),
    "percent signs": "%a b\n" * (FULL // 5),
    "tags": "!a " * (FULL // 3),
    "a long tag": "!" * FULL,
    "a long anchor": f"&{'a' * FULL} b",
    "a long alias": f"*{'a' * FULL}",
    "stars": "*" * FULL,
    "documents": "---\n" * (FULL // 4),
    "ends of documents": "...\n" * (FULL // 4),
    "empty lines": "\n" * FULL + "a",
    "spaces": " " * FULL,
    "tabs": "\t" * FULL,
    "a tab after many lines": "hardware:\n" + " \n" * (FULL // 2) + "\t- a",
    "carriage returns": "a:\r" * (FULL // 3),
    "next lines": "\x85" * (FULL // 2),
    "separators": "\u2028" * (FULL // 3),
    "a comment": "#" * FULL,
    "a long word": f"hardware: {'x' * FULL}",
    "a long text": f'hardware: "{"x" * FULL}"',
    "escapes": f'hardware: "{chr(92)}x41"' + f'"{chr(92)}x41' * (FULL // 6),
    "a long key": f"{'x' * FULL}: 1",
    "a block text": "a: |" + "\n  x" * (FULL // 4),
    "a folded text": "a: >\n x" + "\n" * FULL,
    "smileys": "\U0001f600" * (FULL // 4),
    "accents": "a" + "\u0301" * (FULL // 2),
    "half a character": r'a: "\ud800"',
    "nothing as a character": 'a: "\\0"',
    "nothing as a key": '"\\0": 1',
    "two byte order marks": "\ufeff\ufeffa: 1",
    "a mark within": "hardware: \ufeff1",
}
NUMBERS = {
    "digits": f"hardware: {'1' * FULL}",
    "a negative one": f"hardware: -{'9' * FULL}",
    "digits after the point": f"hardware: 1.{'0' * FULL}",
    "octal": f"hardware: 0o{'7' * FULL}",
    "hexadecimal": f"hardware: 0x{'f' * FULL}",
    "cores": sections(f'- {{slug: a, display_name: b, memory: 1Gi, cpu: "{"9" * FULL}"}}'),
    "points": sections(f'- {{slug: a, display_name: b, memory: 1Gi, cpu: "{"." * FULL}"}}'),
    "exponents": sections("- {slug: a, display_name: b, memory: 1e308, cpu: 1e-308}"),
    "a version": sections(rows(1, HARDWARE), f'- {{slug: a, display_name: b, image: "a:1", cuda: "{"1." * 500_000}"}}'),
    "a count": sections(f"- {{slug: a, display_name: b, cpu: 1, memory: 1Gi, gpu: {{count: {'9' * 39}}}}}"),
}
ALIASES = {
    "a bomb": "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "\n".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    ),
    "a bomb of merges": "\n".join(
        f"k{depth}: &a{depth} {{<<: *a{depth - 1}, x{depth}: 1}}" if depth else "k0: &a0 {x: 1}" for depth in range(700)
    ),
    "itself": "a: &a {<<: *a}",
    "a large merge": f"a: &a\n{fields(MANY // 4)}\nb: {{<<: [{'*a, ' * 3}]}}",
    "one anchor again and again": rows(MANY // 2, "&a [1]"),
    "many anchors": rows(MANY, "&a{i} 1"),
    "many aliases": f"a: &a 1\nb: [{'*a, ' * MANY}]",
    "long aliases": f"a: &a {'x' * 50_000}\nb: [{'*a, ' * 1000}]",
}
VALUES = {
    "empty rows": "hardware:\n" + "- {}\n" * MANY,
    "unknown fields": fields(MANY),
    "unknown fields in rows": "hardware:\n" + rows(MANY // 2, "{{k{i}: 1}}"),
    "wrong slugs": "hardware:\n" + rows(MANY // 2, "{{slug: A{i}}}"),
    "wrong cores": "hardware:\n" + rows(MANY // 2, "{{cpu: 99999999999999999999999999999999999}}"),
    "a long slug": f'images: [{{slug: "{"a-" * (FULL // 2)}"}}]',
    "a long image": f'images: [{{image: "{"a/" * (FULL // 2)}"}}]',
    "a long resource": f'hardware: [{{gpu: {{resource: "{"a." * (FULL // 2)}"}}}}]',
    "a long label": f'hardware: [{{node_selector: {{? "{"a." * (FULL // 2)}" : b}}}}]',
    "a long path": f'volumes: [{{mount_path: "{"/a" * (FULL // 2)}"}}]',
    "the same slugs": sections(rows(1000, HARDWARE.replace("{i}", "")), rows(1000, IMAGE.replace("{i}", ""))),
    "unknown products": sections(
        row(HARDWARE, more=f", gpu: {{count: 1, product: &p {several('x', 20)}}}")
        + rows(900, HARDWARE, more=", gpu: {count: 1, product: *p}")
    ),
    "unknown hardware": sections(
        rows(1000, HARDWARE),
        rows(1, IMAGE),
        f"volumes:\n- {{slug: x, display_name: x, mount_path: /x, claim: x, hardware: &h {several('z', 1000)}}}\n"
        + rows(18, "{{slug: a{i}, display_name: b, mount_path: /a{i}, claim: a, hardware: *h}}"),
    ),
    "a patterns groups": f'own_image: {{pattern: "{"(" * 500}", message: a}}',
    "a patterns repetitions": 'own_image: {pattern: "((((a{999}){999}){999}){999}){999}", message: a}',
    "a patterns classes": r"own_image: {pattern: '(\w{100}){100}', message: a}",
    "a patterns brackets": 'own_image: {pattern: "[[a]&&b]", message: a}',
}
PAIRS = {
    "all run": sections(
        rows(1000, HARDWARE, more=", gpu: {count: 1, product: Tesla-T4}"), rows(1000, IMAGE, more=', cuda: "13.0"')
    ),
    "none run": sections(
        rows(1000, HARDWARE, more=", gpu: {count: 1, product: Tesla-V100-SXM2-16GB}"),
        rows(1000, IMAGE, more=', cuda: "13.0"'),
    ),
    "nobody is offered one": sections(
        row(HARDWARE, more=f", groups: &g {several('g', 200)}") + rows(80, HARDWARE, more=", groups: *g"),
        rows(1000, IMAGE, more=", groups: [z]"),
    ),
    "many groups": sections(
        row(HARDWARE, more=f", groups: &g {several('g', 100)}") + rows(100, HARDWARE, more=", groups: *g"),
        rows(100, IMAGE, more=", groups: *g"),
    ),
}
TEXTS = {
    f"{kind}: {name}": text
    for kind, texts in {
        "syntax": SYNTAX, "numbers": NUMBERS, "aliases": ALIASES, "values": VALUES, "pairs": PAIRS
    }.items()
    for name, text in texts.items()
}  # fmt: skip
"""By what is bad about them."""
