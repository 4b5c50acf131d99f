import unicodedata
from pathlib import Path

import pytest

from genkan_profiles.catalogue import BUILT_IN, SAMPLE, Catalogue, load_catalogue
from genkan_profiles.exceptions import DocumentError
from genkan_profiles.offers import offers_for
from genkan_sandbox.sites import load_site, shipped_sites

RIGHT = """\
hardware:
  - {slug: small, display_name: Small, cpu: 500m, cpu_limit: 2, memory: 2Gi}
  - {slug: big, display_name: Big, cpu: 4, memory: 8Gi, gpu: {count: 1}}
images:
  - {slug: scipy, display_name: SciPy, image: "registry.example.org/genkan/scipy:2026.09"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.yaml"


def test_the_built_in_catalogue_has_two_sizes_and_two_numbers_of_gpus() -> None:
    catalogue = load_catalogue()

    assert [row.slug for row in catalogue.hardware] == ["cpu-small", "cpu-large", "gpu-1", "gpu-2"]
    assert [row.gpu.count for row in catalogue.hardware if row.gpu] == [1, 2]
    assert len(catalogue.images) >= 2
    assert {row.image.split("/")[0] for row in catalogue.images} == {"registry.example.org"}


@pytest.mark.parametrize("name", [name for name in shipped_sites() if name != "empty"])
def test_every_row_of_it_fits_on_a_machine_of_every_site(name: str) -> None:
    for row in load_catalogue().hardware:
        devices = {} if row.gpu is None else {row.gpu.resource: row.gpu.count}
        assert any(
            float(pool.cpu) >= float(row.cpu)
            and all(pool.offered.get(resource, 0) >= count for resource, count in devices.items())
            for pool in load_site(name).pools
        )


def test_the_sample_has_every_kind_of_hardware_and_images_for_the_oldest_card() -> None:
    catalogue = load_catalogue(SAMPLE)

    gpus = {row.slug: row.gpu for row in catalogue.hardware}
    assert {gpu.resource for gpu in gpus.values() if gpu} == {
        "nvidia.com/gpu",
        "nvidia.com/gpu.shared",
        "nvidia.com/mig-1g.10gb",
    }
    assert {slug for slug, gpu in gpus.items() if gpu is None} == {"cpu-small", "cpu-large"}
    assert [row.slug for row in catalogue.priorities] == ["high", "normal", "burst"]
    assert [row.namespace for row in catalogue.teams] == ["vision", "language"]
    assert {row.image.split("/")[0] for row in catalogue.images} == {"registry.example.org"}
    offers = offers_for(catalogue, ["vision"])
    images = {row.hardware.slug: [image.slug for image in row.images] for row in offers.hardware}
    assert images["gtx-1080"] == ["pytorch-24-12"]
    assert images["v100-1"] == ["pytorch-24-12", "rapids"]
    assert images["cpu-small"][0] == "scipy"


@pytest.mark.parametrize("products", ["Tesla-T4", "[Tesla-T4]", "[Tesla-T4, Tesla-V100-PCIE-16GB]"])
def test_a_gpu_has_one_product_or_several(file: Path, products: str) -> None:
    file.write_text(RIGHT.replace("{count: 1}", f"{{count: 1, product: {products}}}"))

    gpu = load_catalogue(file).hardware[1].gpu

    assert gpu is not None
    assert gpu.product == tuple(products.strip("[]").split(", "))


def test_quantities_are_canonical(file: Path) -> None:
    file.write_text(RIGHT.replace("500m", "0.5").replace("2Gi", "2048Mi"))

    row = load_catalogue(file).hardware[0]

    assert (row.cpu, row.memory) == ("500m", "2Gi")


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("slug: small", "slug: Small", "2:12: hardware[0].slug: 'Small' cannot stand here: a slug has at most 63"),
        ("slug: small", "slug: a--b", "2:12: hardware[0].slug: 'a--b' cannot stand here: a slug has at most 63"),
        ("slug: small", "slug: big", "3:12: hardware[1].slug: 'big' is already the slug of hardware[0]."),
        ("cpu_limit: 2", "cpu_limit: 0.4", "2:62: hardware[0].cpu_limit: The limit is below what is kept free (500m)."),
        (
            "memory: 2Gi",
            "memory: 2Gi, shared_memory: 4Gi",
            "2:93: hardware[0].shared_memory: It is taken from the memory, of which there is 2Gi.",
        ),
        (
            "memory: 2Gi",
            "memory: 2Gi, shared_memory: 32",
            "2:93: hardware[0].shared_memory: 32 is less than 1Mi, and the unit may be missing; did you mean 32Gi?",
        ),
        ("display_name: Small", "display_name: ' '", "2:33: hardware[0].display_name: This must have at least 1"),
        ("gpu: {count: 1}", "gpu: {count: 0}", "3:70: hardware[1].gpu.count: This must be at least 1, not 0."),
        ("gpu: {count: 1}", "gpu: 1", "3:62: hardware[1].gpu: This must be a mapping of fields to values, not 1."),
        (
            "gpu: {count: 1}",
            "gpu: {count: 1, resource: gpu}",
            "3:83: hardware[1].gpu.resource: 'gpu' cannot stand here: a device's resource is a domain",
        ),
        (
            '"registry.example.org/genkan/scipy:2026.09"',
            "registry.example.org/genkan/scipy",
            "5:47: images[0].image: 'registry.example.org/genkan/scipy' cannot stand here: an image is",
        ),
        ("SciPy,", "SciPy, default: yes,", "5:49: images[0].default: This must be true or false, not 'yes'."),
        ("images:", "image:", "1:1: images: This field is missing."),
    ],
)
def test_a_broken_catalogue_names_its_places(file: Path, right: str, wrong: str, expected: str) -> None:
    assert right in RIGHT
    file.write_text(RIGHT.replace(right, wrong, 1))

    with pytest.raises(DocumentError) as refused:
        load_catalogue(file)

    assert str(refused.value).startswith(f"{file}:{expected}")


@pytest.mark.parametrize(
    "group",
    [
        "vision",
        "Lab 8",
        "/lab/vision",
        "cn=vision,ou=groups,dc=example,dc=org",
        "R&D (Basel)",
        "Größe",
        "研究室",
        "-a;b|c<d>",
        "a" * 255,
    ],
    ids=["word", "words", "Keycloak", "LDAP", "brackets", "accents", "Japanese", "signs", "longest"],
)
def test_groups_are_named_as_identity_providers_name_them(file: Path, group: str) -> None:
    file.write_text(RIGHT.replace("{slug: small", f'{{groups: ["{group}"], slug: small'))

    assert load_catalogue(file).hardware[0].groups == (group,)


@pytest.mark.parametrize(
    "group", ["", " vision", "vision ", "vision\\n", "vi\\tsion", "vi\\u200bsion", "vi\\u00a0sion", "a" * 256]
)
def test_what_is_no_group_is_refused(file: Path, group: str) -> None:
    file.write_text(RIGHT.replace("{slug: small", f'{{groups: ["{group}"], slug: small'))

    with pytest.raises(DocumentError, match="cannot stand here: a group has at most 255 characters of any script"):
        load_catalogue(file)


def test_a_cuda_that_came_later_is_for_no_older_cards_than_the_newest_known(file: Path) -> None:
    volta = RIGHT.replace("gpu: {count: 1}", "gpu: {count: 1, product: Tesla-V100-SXM2-16GB}")
    file.write_text(volta + '  - {slug: newest, display_name: N, image: "registry.example.org/n:1", cuda: "14.0"}\n')

    assert load_catalogue(file).obstacles["big"] == (
        "",
        "CUDA 14.0 needs compute capability 7.5 or newer, and Tesla-V100-SXM2-16GB has 7.0.",
    )


def test_two_defaults_are_one_too_many(file: Path) -> None:
    file.write_text(
        RIGHT.replace("{slug: small", "{default: true, slug: small").replace("{slug: big", "{default: true, slug: big")
    )

    with pytest.raises(
        DocumentError,
        match=r":3:15: hardware\[1\]\.default: Only one row can be the default; hardware\[0\] is already\.$",
    ):
        load_catalogue(file)


@pytest.mark.parametrize(
    "image",
    [
        "registry.example.org/genkan/scipy:2026.09",
        "registry.example.org:5000/a/b/c:1",
        "localhost:5000/scipy:1",
        "scipy:1",
        f"registry.example.org/genkan/scipy@sha256:{'0a' * 32}",
        f"registry.example.org/genkan/scipy:1@sha256:{'0a' * 32}",
    ],
)
def test_an_image_has_a_tag_or_a_digest(file: Path, image: str) -> None:
    file.write_text(RIGHT.replace("registry.example.org/genkan/scipy:2026.09", image))

    assert load_catalogue(file).images[0].image == image


@pytest.mark.parametrize(
    "image",
    ["scipy", "scipy:", ":1", "Scipy:1", "a b:1", "scipy:1@sha256:00", "https://registry.example.org/a:1", "a//b:1"],
)
def test_what_is_no_image_is_refused(file: Path, image: str) -> None:
    file.write_text(RIGHT.replace("registry.example.org/genkan/scipy:2026.09", image))

    with pytest.raises(DocumentError, match="cannot stand here: an image is a registry, a path and a tag or digest"):
        load_catalogue(file)


def test_the_built_in_file_is_part_of_the_package() -> None:
    assert BUILT_IN.is_file()
    assert isinstance(load_catalogue(BUILT_IN), Catalogue)


def test_no_volume_shows_everybodys_homes(file: Path) -> None:
    volumes = [("a", "people"), ("b", "people/ann"), ("c", ""), ("d", "data"), ("e", "people-of-old")]
    rows = "\n".join(
        f"  - {{slug: {slug}, display_name: A, mount_path: /{slug}, claim: homes, sub_path: {path}}}"
        for slug, path in volumes
    ).replace(", sub_path: }", "}")
    homes = "homes: {kind: shared, claim: homes, folder: people}\n"
    file.write_text(f"{RIGHT}{homes}volumes:\n{rows}\n")

    with pytest.raises(DocumentError) as caught:
        load_catalogue(file)

    sentence = "This would show the homes of all users; take a sub_path beside the homes' folder."
    assert [(problem.path, problem.sentence) for problem in caught.value.problems] == [
        ("volumes[0].sub_path", sentence),
        ("volumes[1].sub_path", sentence),
        ("volumes[2].claim", sentence),
    ]


def test_a_file_server_may_know_a_folder_under_another_spelling(file: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "hömes") for form in ("NFC", "NFD"))
    homes = f"homes: {{kind: shared, claim: homes, folder: {composed}}}\n"
    row = f"volumes:\n  - {{slug: a, display_name: A, mount_path: /a, claim: homes, sub_path: {apart}}}\n"
    file.write_text(f"{RIGHT}{homes}{row}")

    with pytest.raises(DocumentError, match="would show the homes of all users"):
        load_catalogue(file)


def test_caches_are_in_one_place_on_each_hardware(file: Path) -> None:
    rows = [("a", "small", ""), ("b", "big", ""), ("c", "small", ", groups: [vision]")]
    volumes = "\n".join(
        f"  - {{slug: {slug}, display_name: A, mount_path: /{slug}, scratch: {{size: 1Gi, caches: true}}, "
        f"hardware: [{hardware}]{groups}}}"
        for slug, hardware, groups in rows
    )
    file.write_text(f"{RIGHT}volumes:\n{volumes}\n")

    with pytest.raises(DocumentError) as caught:
        load_catalogue(file)

    (problem,) = caught.value.problems
    assert problem.path == "volumes[2].scratch.caches"
    assert problem.sentence == "Caches can be in one place only, and volumes[0].scratch.caches is that already."
