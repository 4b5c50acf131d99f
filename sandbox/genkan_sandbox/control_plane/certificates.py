"""The sandbox's certificate authority, the certificates it issues and the key behind service accounts' tokens."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from genkan_sandbox.state import write_private

_EARLIER = dt.timedelta(days=1)
_LIFETIME = dt.timedelta(days=3650)

API_SERVER = "kube-apiserver-client"
"""As whom the API server asks nodes."""

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Node:
    """A node with a kubelet, and where it answers."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom a certificate is for; one that serves under no name is a client."""

    name: str
    serves: tuple[x509.GeneralName, ...] = ()


def prepare_certificates(folder: Path, *, host: str, node: Node | None = None) -> None:
    """Keep the authority and the service accounts' key for ever; make the other certificates for this start's address.

    The files are ca, apiserver, apiserver-client and nodes, each .crt and .key, and sa.key, all PEM; with a real node
    also kubelet.
    """
    if not (folder / "ca.crt").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(folder / "ca.key", key)
        write_private(folder / "ca.crt", _pem(_authority(key)))
    if not (folder / "sa.key").exists():
        _write_key(folder / "sa.key", rsa.generate_private_key(public_exponent=65537, key_size=2048))
    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    authority_key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is an elliptic curve's")
    address = x509.IPAddress(ipaddress.ip_address(host))
    issued = {
        "apiserver": _Subject("kube-apiserver", (address, x509.DNSName("kubernetes.default.svc"))),
        # With this one the API server, and nobody else, asks the nodes for logs.
        "apiserver-client": _Subject(API_SERVER),
        "nodes": _Subject("genkan-sandbox-nodes", (address,)),
    }
    if node is not None:
        serves = x509.IPAddress(ipaddress.ip_address(node.address))
        issued["kubelet"] = _Subject(f"system:node:{node.name}", (serves,))
    for name, subject in issued.items():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(folder / f"{name}.key", key)
        write_private(folder / f"{name}.crt", _pem(_issued(key, subject, authority, authority_key)))


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("genkan-sandbox-ca")
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _issued(
    key: ec.EllipticCurvePrivateKey,
    subject: _Subject,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if subject.serves else ExtendedKeyUsageOID.CLIENT_AUTH
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = (
        _builder(_name(subject.name), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(issuer, critical=False)
    )
    if subject.serves:
        builder = builder.add_extension(x509.SubjectAlternativeName(subject.serves), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _write_key(path: Path, key: PrivateKey) -> None:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    write_private(path, encoded.decode())
