from pathlib import Path

from genkan_hub import sign_in_with

sign_in_with(
    c,
    "openid",
    issuer="http://127.0.0.1:8080/realms/lab",
    client_id="genkan",
    client_secret_file=str(Path(__file__).with_name("client-secret")),
    login_service="Keycloak",
    allowed_groups={"vision", "language"},
    admin_groups={"admins"},
)
