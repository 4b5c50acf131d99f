import ssl
import stat
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from genkan_sandbox.control_plane.certificates import Node, prepare_certificates


def test_the_authority_stays_and_the_serving_certificate_follows_the_address(tmp_path: Path) -> None:
    prepare_certificates(tmp_path, host="127.77.1.1")
    authority, key = (tmp_path / "ca.crt").read_text(), (tmp_path / "sa.key").read_text()
    prepare_certificates(tmp_path, host="127.77.2.1")
    assert (tmp_path / "ca.crt").read_text() == authority
    assert (tmp_path / "sa.key").read_text() == key
    serving = x509.load_pem_x509_certificate((tmp_path / "apiserver.crt").read_bytes())
    names = serving.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "127.77.2.1" in {str(address) for address in names.get_values_for_type(x509.IPAddress)}


def test_keys_are_the_owners_alone(tmp_path: Path) -> None:
    prepare_certificates(tmp_path, host="127.77.1.1")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def purposes(certificate: Path) -> list[x509.ObjectIdentifier]:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_only_one_certificate_is_a_clients(tmp_path: Path) -> None:
    prepare_certificates(tmp_path, host="127.77.1.1")
    issued = {path.stem: purposes(path) for path in tmp_path.glob("*.crt") if path.stem != "ca"}
    server, client = [ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert issued == {"apiserver": server, "apiserver-client": client, "nodes": server}


def test_a_kubelet_serves_at_its_own_address(tmp_path: Path) -> None:
    prepare_certificates(tmp_path, host="127.77.1.1", node=Node("machine-0", "10.231.8.1"))
    kubelet = x509.load_pem_x509_certificate((tmp_path / "kubelet.crt").read_bytes())
    names = kubelet.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.231.8.1"]
    assert purposes(tmp_path / "kubelet.crt") == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_strict_client_accepts_the_chain(tmp_path: Path) -> None:
    prepare_certificates(tmp_path, host="127.77.1.1")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "apiserver.crt", tmp_path / "apiserver.key")
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    talks = [
        client.wrap_bio(to_client, to_server, server_hostname="127.77.1.1"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for talk in talks:
            try:
                talk.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert talks[0].version() == "TLSv1.3"
