"""Every rule of the catalogue's models, each with a change that breaks it."""

from collections.abc import Callable
from typing import Any

from .catalogues import Document
from .mutations import DROPPED, MISSING, At, Mutation, Need

_SLUG = "a slug has at most 63 small letters, digits and single dashes"
_NAME = "a name has at most 63 small letters"
_LABEL_KEY = "a label's key is a name of at most 63 characters"
_LABEL_VALUE = "a label's value has at most 63 letters"
_MOUNT_PATH = "a mount path is absolute and without `..`"
_SUB_PATH = "a folder in a volume is relative and without `..`"
_VERSION = ' is no version: write one to three numbers with dots between them, such as "13.0".'
_CAPABILITY = ' is no compute capability: write two numbers with a dot between them, such as "8.0".'
_NO_SLUG = "This team needs a slug: it has no group, or one whose name cannot stand in a link."
_UNUSABLE = r"No image runs on it\.|It is offered to "


def anywhere(row: Any, document: Document) -> bool:
    """Any row will do."""
    del row, document
    return True


def _has(*fields: str) -> Need:
    return lambda row, _document: all(field in row for field in fields)


def _lacks(*fields: str) -> Need:
    return lambda row, _document: not any(field in row for field in fields)


def _needed(where: str, *, needs: Need = anywhere) -> Mutation:
    return Mutation(where, DROPPED, MISSING, at=At.ROW, needs=needs)


def _unknown(row: str) -> Mutation:
    field = f"{row}.colour" if row else "colour"
    return Mutation(field, "red", "There is no field 'colour' here", at=At.KEY)


def _line(where: str, *, longest: int = 200) -> list[Mutation]:
    return [
        *_prose(where, longest=longest),
        Mutation(where, "", "This must have at least 1 character, not ''."),
        Mutation(where, " \u3000", "This must have at least 1 character, not"),
        *(
            Mutation(where, text, "This must be on one line, without control characters.")
            for text in ("a\nb", "a\0b", "a\u2028b")
        ),
    ]


def _prose(where: str, *, longest: int) -> list[Mutation]:
    return [
        Mutation(where, 7, 'This must be text, not 7; put it in quotes: "7".'),
        Mutation(where, None, "This must be text, not nothing."),
        Mutation(where, "x" * (longest + 1), f"This must have at most {longest} characters, not 'xxxx"),
    ]


def _name(where: str, words: str, *bad: str, needs: Need = anywhere) -> list[Mutation]:
    """Return changes to a name that follows a rule of some other system."""
    return [
        *(Mutation(where, text, f"{text[:80]!r} cannot stand here: {words}", needs=needs) for text in bad),
        Mutation(where, 13.5, 'This must be text, not 13.5; put it in quotes: "13.5".', needs=needs),
    ]


def _true(where: str, words: str, *, needs: Need = anywhere) -> Mutation:
    return Mutation(where, value=True, words=words, needs=needs)


def _no_number(where: str) -> list[Mutation]:
    return [
        Mutation(where, "2", "This must be a whole number, not '2'."),
        Mutation(where, 1.5, "This must be a whole number, not 1.5."),
        _true(where, "This must be a whole number, not true."),
    ]


def _flag(where: str) -> list[Mutation]:
    return [
        Mutation(where, "yes", "This must be true or false, not 'yes'."),
        Mutation(where, 1, "This must be true or false, not 1."),
    ]


def _quantity(where: str, *, needs: Need = anywhere) -> list[Mutation]:
    return [
        Mutation(where, 0, "This must be more than nothing.", needs=needs),
        Mutation(where, "-1", "This must not be negative, as -1 is.", needs=needs),
        Mutation(where, "1 GB", "'1 GB' is no quantity of Kubernetes; write G or Gi instead of GB.", needs=needs),
        Mutation(where, "lots", "'lots' is no quantity of Kubernetes, such as ", needs=needs),
        Mutation(where, "1e100", "A quantity is at most 2^63 - 1", needs=needs),
        _true(where, "This must be text, not true", needs=needs),
        Mutation(where, ["1"], "This must be text, not a list.", needs=needs),
    ]


def _choice(where: str, value: str, *, needs: Need = anywhere) -> Mutation:
    return Mutation(where, value, f"{value!r} is not one of the values that may stand here", needs=needs)


def _list(where: str, most: int, row: Callable[[int], Any], *, needs: Need = anywhere) -> list[Mutation]:
    """Return changes to a list of at most so many entries, each made from a number."""
    sentence = f"This must have at most {most} entries, not {most + 1}."
    return [
        Mutation(where, {"a": 1}, "This must be a list, not a mapping.", needs=needs),
        Mutation(where, 7, "This must be a list, not 7.", needs=needs),
        Mutation(where, lambda _row, _document: [row(number) for number in range(most + 1)], sentence, needs=needs),
    ]


def _groups(row: str, *, needs: Need = anywhere) -> list[Mutation]:
    bad = ["", " a", "a ", "a\u200bb", "a\u00a0b", "a" * 256]
    words = "a group has at most 255 characters of any script, none of them invisible"
    return [
        *_list(f"{row}.groups", 200, lambda number: f"g{number}", needs=needs),
        *(_entry(f"{row}.groups", text, f"{text[:80]!r} cannot stand here: {words}", needs=needs) for text in bad),
    ]


def _entry(where: str, entry: Any, words: str, *, needs: Need = anywhere) -> Mutation:
    """Return the change by which a list gets one wrong entry."""
    return Mutation(where, [entry], words, needs=needs, reported=(where.rsplit(".", maxsplit=1)[-1], 0))


def _offer(row: str) -> list[Mutation]:
    """Return changes that break what all rows that users see have in common."""
    return [
        *_name(f"{row}.slug", _SLUG, "", "A", "a--b", "-a", "a_b", "ü", "a" * 64),
        _needed(f"{row}.slug"),
        *_line(f"{row}.display_name"),
        _needed(f"{row}.display_name"),
        *_prose(f"{row}.description", longest=1000),
        *_groups(row, needs=_lacks("default")),
        _unknown(row),
    ]


def _default(section: str) -> list[Mutation]:
    hidden = "The default must be offered to everybody, and the groups of this row hide it from others."

    def first_and_hidden(row: Any, document: Document) -> bool:
        return bool(row.get("groups")) and not any("default" in other for other in document[section])

    def second(row: Any, document: Document) -> bool:
        first = document[section][0]
        return row is not first and bool(first.get("default"))

    where = f"{section}.*.default"
    return [
        *_flag(where),
        _true(where, hidden, needs=first_and_hidden),
        _true(where, "Only one row can be the default", needs=second),
    ]


def _repeated(section: str, field: str, stand_in: str = "") -> Mutation:
    """Return the change by which the second row of a section takes the name of the first."""
    return Mutation(
        f"{section}.*.{field}",
        lambda _row, document: document[section][0].get(field) or document[section][0][stand_in],
        f"is already the {field} of {section}[0].",
        consequences=r"There is no hardware|The GPU product|.* cannot be divided",
        needs=lambda row, document: len(document[section]) > 1 and row is document[section][1],
    )


def _rows(row: dict[str, Any]) -> Callable[[int], dict[str, Any]]:
    return lambda number: {"slug": f"s{number}", "display_name": "A", **row}


def _identity(where: str, *, needs: Need = anywhere) -> list[Mutation]:
    """Return changes to a number of a user or group of a file system."""
    return [
        Mutation(where, "1", "This must be a whole number, not '1'.", needs=needs),
        Mutation(where, 0, "This must be at least 1, not 0.", needs=needs),
        Mutation(where, 2**31, "This must be at most 2147483647, not 2147483648.", needs=needs),
    ]


def _fill(where: str) -> list[Mutation]:
    """Return changes to how the fill state of a volume is known."""
    both = "Say either hub_path or prometheus: where the fill state is read."
    return [
        Mutation(where, 7, "This must be a mapping of fields to values, not 7.", needs=_has("claim")),
        _unknown(where),
        *_name(f"{where}.hub_path", _MOUNT_PATH, "homes", "/a/..", needs=_has("hub_path")),
        Mutation(f"{where}.hub_path", DROPPED, both, reported=()),
        Mutation(f"{where}.prometheus", "http://prometheus", both, needs=_has("hub_path"), reported=()),
        Mutation(f"{where}.prometheus", "prometheus:9090", "This must match the pattern ^https?://"),
        *(
            mutation
            for field in ("warn_from", "refuse_from")
            for mutation in (
                Mutation(f"{where}.{field}", "85", "This must be a number, not '85'."),
                Mutation(f"{where}.{field}", 0, "This must be more than 0, not 0."),
                Mutation(f"{where}.{field}", 101, "This must be at most 100, not 101"),
            )
        ),
        Mutation(
            f"{where}.warn_from",
            99.5,
            "The warning would come after the refusal, which is from ",
            needs=lambda row, _: float(row.get("refuse_from", 97)) < 99,
        ),
        *_name(f"{where}.largest", _MOUNT_PATH, "largest.json"),
    ]


def _mapping(where: str, *, most: int) -> list[Mutation]:
    """Return changes to a mapping of labels to values."""
    field = where.rsplit(".", maxsplit=1)[-1]
    return [
        Mutation(where, 7, "This must be a mapping of keys to values, not 7."),
        *(
            Mutation(where, {key: "x"}, f"{key!r} cannot stand here: {_LABEL_KEY}", at=At.KEY, reported=(field, key))
            for key in ("", "a b", "a/b/c", "-")
        ),
        *(
            Mutation(where, {"pool": text}, f"{text!r} cannot stand here: {_LABEL_VALUE}", reported=(field, "pool"))
            for text in ("a b", "-", "a" * 64)
        ),
        Mutation(where, {"pool": 7}, "This must be text, not 7", reported=(field, "pool")),
        Mutation(where, {f"k{number}": "x" for number in range(most + 1)}, f"This must have at most {most} entries"),
    ]


def _nobody(section: str, row: dict[str, Any], words: str, *, needs: Need = anywhere) -> Mutation:
    """Return the change by which a section has one row, which is not for users of the first hardware."""
    only = {"slug": "only", "display_name": "Only", **row}
    return Mutation(section, [only], words, reported=("hardware", 0), consequences=_UNUSABLE, needs=needs)


_HARDWARE = [
    *_offer("hardware.*"),
    *_default("hardware"),
    *_quantity("hardware.*.cpu"),
    _needed("hardware.*.cpu"),
    Mutation("hardware.*.cpu", 5000, "No machine has 5k cores.", needs=_lacks("cpu_limit")),
    *_quantity("hardware.*.cpu_limit"),
    Mutation(
        "hardware.*.cpu_limit", "1m", "The limit is below what is kept free (", needs=lambda row, _: row["cpu"] != "1m"
    ),
    Mutation("hardware.*.cpu_limit", "4097", "No machine has 4097 cores."),
    *_quantity("hardware.*.memory", needs=_lacks("shared_memory")),
    _needed("hardware.*.memory"),
    Mutation("hardware.*.memory", 8, "8 is less than 1Mi, and the unit may be missing; did you mean 8Gi?"),
    Mutation("hardware.*.memory", "8Mi", "8Mi hold no server; the least is 16Mi.", needs=_lacks("shared_memory")),
    *_quantity("hardware.*.shared_memory"),
    Mutation("hardware.*.shared_memory", "1Ei", "It is taken from the memory, of which there is "),
    *_flag("hardware.*.rescue"),
    _true("hardware.*.rescue", "Nobody needs a GPU for cleaning up", needs=_has("gpu")),
    Mutation("hardware.*.gpu", 1, "This must be a mapping of fields to values, not 1."),
    Mutation("hardware.*.gpu", [{"count": 1}], "This must be a mapping of fields to values, not a list."),
    *_mapping("hardware.*.node_selector", most=50),
    *_list("hardware.*.tolerations", 50, lambda number: {"key": f"k{number}"}),
    _entry("hardware.*.tolerations", "gpu", "This must be a mapping of fields to values, not 'gpu'."),
]

_GPU = [
    _unknown("hardware.*.gpu"),
    *_no_number("hardware.*.gpu.count"),
    Mutation("hardware.*.gpu.count", 0, "This must be at least 1, not 0."),
    Mutation("hardware.*.gpu.count", 65, "This must be at most 64, not 65."),
    _needed("hardware.*.gpu.count"),
    *_name(
        "hardware.*.gpu.resource",
        "a device's resource is a domain, a slash and a name",
        "gpu",
        "nvidia.com/",
        "/gpu",
        "a/b/c",
        "kubernetes.io/gpu",
        "requests.nvidia.com/gpu",
        "NVIDIA.com/gpu",
    ),
    *_list("hardware.*.gpu.product", 20, lambda number: f"Card-{number}")[2:],
    Mutation("hardware.*.gpu.product", {"a": 1}, "This must be"),
    Mutation("hardware.*.gpu.product", 7, "This must be"),
    _entry("hardware.*.gpu.product", "a b", f"'a b' cannot stand here: {_LABEL_VALUE}"),
    Mutation(
        "hardware.*.gpu.product",
        "Tesla-Z9",
        "The GPU product 'Tesla-Z9' is not known; describe it in gpu_products.",
        needs=lambda row, _: row.get("resource", "nvidia.com/").startswith("nvidia.com/"),
    ),
    Mutation(
        "hardware.*.gpu.product",
        "NVIDIA-A10",
        "NVIDIA-A10 cannot be divided into MIG slices.",
        needs=lambda row, _: "mig" in row.get("resource", ""),
    ),
    Mutation(
        "hardware.*.gpu.product",
        "MI300X",
        "Say in product_label which label of the nodes names the product of this vendor's cards.",
        needs=lambda row, _: "nvidia" not in row.get("resource", "nvidia") and "product_label" not in row,
    ),
    *_name("hardware.*.gpu.product_label", _LABEL_KEY, "", "a/b/c", "-a", "a b"),
]

_TOLERATION = [
    _unknown("hardware.*.tolerations.*"),
    *_name("hardware.*.tolerations.*.key", _LABEL_KEY, "", "a/b/c", "a" * 64),
    _choice("hardware.*.tolerations.*.operator", "Like"),
    Mutation(
        "hardware.*.tolerations.*.operator",
        "Exists",
        "The operator Exists takes no value; leave it out.",
        needs=lambda row, _: bool(row.get("value")),
        reported=("value",),
    ),
    Mutation(
        "hardware.*.tolerations.*.operator",
        "Equal",
        "Without a key the operator must be Exists.",
        needs=_lacks("key"),
    ),
    *_name("hardware.*.tolerations.*.value", _LABEL_VALUE, "-", "a b", "a" * 64),
    _choice("hardware.*.tolerations.*.effect", "Never"),
]

_IMAGES = [
    *_offer("images.*"),
    *_default("images"),
    *_name(
        "images.*.image", "an image is a registry, a path and a tag or digest", "", "scipy", "a:", ":1", "A:1", "a b:1"
    ),
    *_name("images.*.image", "an image is a registry, a path and a tag or digest", "https://a/b:1", "a:1@sha256:00"),
    _needed("images.*.image"),
    *_prose("images.*.framework", longest=100),
    _choice("hardware.*.when_full", "queue"),
    _choice("images.*.runs_on", "tpu"),
    *(Mutation("images.*.cuda", text, f"{text!r}{_VERSION}") for text in ("13.x", "", "1.2.3.4", "v13")),
    Mutation("images.*.cuda", 13.0, "This must be text, not 13.0; put it in quotes: "),
    Mutation(
        "images.*.runs_on",
        "cpu",
        "An image for hardware without GPUs needs no CUDA.",
        needs=_has("cuda"),
        reported=("cuda",),
    ),
    *(Mutation("images.*.min_driver", text, f"{text!r}{_VERSION}") for text in ("five", "580.")),
    Mutation("images.*.min_driver", 580, 'This must be text, not 580; put it in quotes: "580".'),
    Mutation(
        "images.*.min_driver",
        "449",
        "CUDA 1",
        needs=lambda row, _: row.get("cuda", "").startswith(("11", "12", "13")),
    ),
    *(Mutation("images.*.min_compute_capability", text, f"{text!r}{_CAPABILITY}") for text in ("75", "7.55", "")),
    Mutation("images.*.min_compute_capability", 7.5, 'This must be text, not 7.5; put it in quotes: "7.5".'),
]

_PRIORITIES = [
    _list("priorities", 20, _rows({"priority_class": "a"}))[-1],
    *_offer("priorities.*"),
    *_default("priorities"),
    *_name(
        "priorities.*.priority_class", "a name has small letters, digits, dashes and dots", "", "A", "a..b", "a" * 254
    ),
    _needed("priorities.*.priority_class"),
]

_TEAMS = [
    _unknown("teams.*"),
    *_name(
        "teams.*.group", "a group has at most 255 characters of any script", "", "a ", "a" * 256, needs=_has("slug")
    ),
    *_name("teams.*.slug", _SLUG, "", "A", "a--b", "a" * 64),
    Mutation("teams.*.slug", DROPPED, _NO_SLUG, at=At.ROW, needs=_lacks("group")),
    Mutation("teams.*.group", "Lab 8", _NO_SLUG, at=At.ROW, needs=_lacks("slug"), reported=("slug",)),
    *_line("teams.*.display_name"),
    _needed("teams.*.display_name"),
    *_prose("teams.*.description", longest=1000),
    *_name("teams.*.namespace", _NAME, "", "A", "a.b", "a" * 64),
    _needed("teams.*.namespace"),
]

_VOLUMES = [
    _unknown("volumes.*"),
    *_name("volumes.*.slug", _SLUG, "", "A", "a--b"),
    Mutation("volumes.*.slug", "a" * 51, "This must have at most 50 characters, not"),
    _needed("volumes.*.slug"),
    *_line("volumes.*.display_name"),
    _needed("volumes.*.display_name"),
    *_groups("volumes.*"),
    *_name(
        "volumes.*.mount_path", _MOUNT_PATH, "data", "/", "", "/a/../b", "/a/", "//a", "/a:b", "/a//b", "/a\0b", "/a\nb"
    ),
    Mutation("volumes.*.mount_path", "/data/{", "Braces cannot stand in a path"),
    Mutation("volumes.*.sub_path", "{username}", "Braces cannot stand in a path", needs=_has("claim")),
    Mutation("volumes.*.mount_path", f"/{'x' * 500}", "This must have at most 500 characters, not"),
    *(
        Mutation(
            "volumes.*.mount_path", path, "This is where shared memory is; its size is the hardware's shared_memory."
        )
        for path in ("/dev/shm", "/dev/shm/a")  # noqa: S108  # a mount in the container
    ),
    _needed("volumes.*.mount_path"),
    *_name("volumes.*.claim", _NAME, "", "A", "a.b", needs=_has("claim")),
    Mutation("volumes.*.claim", "data", "A volume has either a claim or scratch.", needs=_has("scratch"), reported=()),
    Mutation("volumes.*.claim", DROPPED, "A volume has either a claim or scratch.", reported=()),
    *_name(
        "volumes.*.sub_path", _SUB_PATH, "/a", "..", "../a", ".", "a/", "a/../b", "a//b", "a\0b", needs=_has("claim")
    ),
    Mutation("volumes.*.sub_path", "", "This must have at least 1 character, not ''.", needs=_has("claim")),
    Mutation("volumes.*.scratch", 7, "This must be a mapping of fields to values, not 7."),
    *_quantity("volumes.*.scratch.size"),
    _needed("volumes.*.scratch.size"),
    _unknown("volumes.*.scratch"),
    *_flag("volumes.*.read_only"),
    *(
        Mutation(
            f"volumes.*.{field}",
            value,
            "Scratch is written to, and has no folders beforehand.",
            needs=_has("scratch"),
            reported=("scratch",),
        )
        for field, value in (("read_only", True), ("sub_path", "a"))
    ),
    *(
        Mutation("volumes.*.mount_path", path, "A volume here would hide the home, which is /home/jovyan")
        for path in ("/home", "/home/jovyan")
    ),
    *(
        Mutation("volumes.*.mount_path", path, f"A volume here would hide what the image or the system has in {hidden}")
        for path, hidden in (
            ("/proc", "/proc"),
            ("/proc/self", "/proc"),
            ("/sys", "/sys"),
            ("/dev", "/dev"),
            ("/dev/fuse", "/dev"),
            ("/etc/pki", "/etc"),
            ("/usr/local", "/usr"),
            ("/opt", "/opt/conda"),
            ("/opt/jupyter/lib", "/opt/jupyter"),
        )
    ),
    *_flag("volumes.*.scratch.caches"),
    *_identity("volumes.*.gid", needs=_has("claim")),
    *(
        Mutation(
            f"volumes.*.{field}", value, "This is for claims; scratch is each server's own.", needs=_has("scratch")
        )
        for field, value in (("gid", 3001), ("fill", {"hub_path": "/srv/data"}))
    ),
    *_fill("volumes.*.fill"),
    Mutation(
        "volumes.*.claim",
        lambda _row, document: document["homes"]["claim"],
        "This would show the homes of all users; take a sub_path beside the homes' folder.",
        needs=lambda row, document: (
            "claim" in row and "sub_path" not in row and document.get("homes", {}).get("kind") == "shared"
        ),
    ),
    *_list("volumes.*.hardware", 1000, lambda number: f"h{number}"),
    _entry("volumes.*.hardware", "A", f"'A' cannot stand here: {_SLUG}"),
    _entry("volumes.*.hardware", "gone", "There is no hardware 'gone' in this catalogue."),
]

_HOMES = [
    Mutation("homes", [], "This must be a mapping of fields to values, not a list."),
    _unknown("homes"),
    _choice("homes.kind", "nfs"),
    _needed("homes.kind"),
    Mutation(
        "homes.kind",
        "claim",
        "This is for homes of kind shared.",
        needs=_has("claim"),
        reported=("claim",),
        consequences=r"This is for homes of kind shared\.",
    ),
    *(
        Mutation(f"homes.{field}", value, "This is for homes of kind claim.", needs=_has("claim"))
        for field, value in (("size", "1Gi"), ("storage_class", "fast"), ("access_mode", "ReadWriteOnce"))
    ),
    *_quantity("homes.size"),
    *_name("homes.storage_class", "a name has small letters", "A", ""),
    _choice("homes.access_mode", "ReadWriteAll"),
    *_name("homes.claim", _NAME, "A", "", "a.b", needs=_has("claim")),
    Mutation("homes.claim", DROPPED, "Name the claim by which the export is reached.", reported=()),
    *_name("homes.folder", _SUB_PATH, "/home", "..", "a/../b", needs=_has("claim")),
    Mutation("homes.folder", "{username}", "Braces cannot stand in a path", needs=_has("claim")),
    _choice("homes.names", "as-they-are"),
    Mutation("homes.folders", [], "This must be a mapping of keys to values, not a list."),
    Mutation(
        "homes.folders",
        {"": "a"},
        "This must have at least 1 character, not ''.",
        at=At.KEY,
        reported=("folders", ""),
        needs=_has("claim"),
    ),
    *(
        Mutation("homes.folders", {"ann": folder}, words, reported=("folders", "ann"), needs=_has("claim"))
        for folder, words in (
            ("../etc", f"'../etc' cannot stand here: {_SUB_PATH}"),
            ("/a", f"'/a' cannot stand here: {_SUB_PATH}"),
            ("a/{username}", "Braces cannot stand in a path"),
            ("", "This must have at least 1 character, not ''."),
        )
    ),
    *(
        Mutation(
            "homes.folders",
            {"ann": first, "bob": second},
            "This folder is that of homes.folders.ann too, or one of them is in the other.",
            reported=("folders", "bob"),
            needs=_has("claim"),
        )
        for first, second in (("a", "a"), ("a", "a/b"), ("a/b", "a"), ("caf\u00e9", "cafe\u0301"))
    ),
    *_fill("homes.fill"),
    Mutation("homes.fill", {"hub_path": "/srv/homes"}, "This is for homes of kind shared.", needs=_has("size")),
    Mutation("homes.ownership", 7, "This must be a mapping of fields to values, not 7."),
    _unknown("homes.ownership"),
    *(
        mutation
        for field in ("uid", "gid")
        for mutation in (
            *_identity(f"homes.ownership.{field}", needs=_has(field)),
            Mutation(f"homes.ownership.{field}", DROPPED, f"Say either {field} or {field}_claim.", at=At.ROW),
            Mutation(
                f"homes.ownership.{field}_claim",
                "n",
                f"Say either {field} or {field}_claim.",
                needs=_has(field),
                reported=(field,),
            ),
            Mutation(f"homes.ownership.{field}_claim", 7, "This must be text, not 7"),
            Mutation(f"homes.ownership.{field}_claim", "", "This must have at least 1 character, not ''."),
        )
    ),
    *_identity("homes.ownership.fs_gid"),
    Mutation(
        "homes.ownership.fs_gid",
        100,
        "Kubernetes would give the whole export to this group",
        needs=lambda _row, document: document["homes"]["kind"] == "shared",
    ),
]

_OWN_IMAGE = [
    _unknown("own_image"),
    *_line("own_image.display_name"),
    *_line("own_image.message"),
    _needed("own_image.message"),
    _needed("own_image.pattern"),
    *_groups("own_image"),
    Mutation("own_image.pattern", "", "This must have at least 1 character, not ''."),
    Mutation("own_image.pattern", "a" * 501, "This must have at most 500 characters, not"),
    Mutation(
        "own_image.pattern", "a(", "This is no regular expression: missing ), unterminated subpattern at character 2."
    ),
    Mutation("own_image.pattern", "(?=a)b", "A pattern looks neither around nor back"),
    Mutation("own_image.pattern", 7, "This must be text, not 7"),
]

_GPU_PRODUCTS = [
    _unknown("gpu_products.*"),
    *(_needed(f"gpu_products.*.{field}") for field in ("product", "family", "compute_capability", "memory")),
    *(Mutation(f"gpu_products.*.{field}", 7, "This must be text, not 7") for field in ("product", "family")),
    Mutation("gpu_products.*.product", "a b", f"'a b' cannot stand here: {_LABEL_VALUE}"),
    Mutation("gpu_products.*.product", "", "This must have at least 1 character, not ''."),
    *(Mutation("gpu_products.*.compute_capability", text, f"{text!r}{_CAPABILITY}") for text in ("75", "", "7")),
    *_no_number("gpu_products.*.memory"),
    Mutation("gpu_products.*.memory", 0, "This must be more than 0, not 0."),
    *_flag("gpu_products.*.mig"),
]

_DOCUMENT = [
    _unknown(""),
    _needed("hardware"),
    _needed("images"),
    *(Mutation(section, [], "This must have at least 1 entry, not 0.") for section in ("hardware", "images")),
    *(
        Mutation(section, {"a": {}}, "This must be a list, not a mapping.")
        for section in ("hardware", "images", "priorities", "teams", "volumes", "gpu_products")
    ),
    Mutation("own_image", [], "This must be a mapping of fields to values, not a list."),
    *(
        _repeated(section, field, stand_in)
        for section, field, stand_in in (
            ("hardware", "slug", ""),
            ("images", "slug", ""),
            ("priorities", "slug", ""),
            ("teams", "slug", "group"),
            ("volumes", "slug", ""),
            ("volumes", "mount_path", ""),
            ("gpu_products", "product", ""),
        )
    ),
    _nobody("images", {"image": "a:1", "groups": ["nobody"]}, "It is offered to "),
    _nobody(
        "images",
        {"image": "a:1", "runs_on": "gpu"},
        "No image runs on it.",
        needs=lambda document, _: "gpu" not in document["hardware"][0],
    ),
    _nobody("priorities", {"priority_class": "a", "groups": ["nobody"]}, "It is offered to "),
]


LARGE = tuple(
    _list(section, 1000, _rows(row))[-1]
    for section, row in (
        ("hardware", {"cpu": 1, "memory": "1Gi"}),
        ("images", {"image": "a:1"}),
        ("teams", {"namespace": "a"}),
    )
)
"""Lists that are too long, which take a second or so each."""

MUTATIONS = (
    *_DOCUMENT,
    *_HARDWARE,
    *_GPU,
    *_TOLERATION,
    *_IMAGES,
    *_PRIORITIES,
    *_TEAMS,
    *_VOLUMES,
    *_HOMES,
    *_OWN_IMAGE,
    *_GPU_PRODUCTS,
)
"""All of them, in the order of the models."""
