"""Entra's errors: OAuth's words with Microsoft's numbers."""

from local.clouds.answer import Answer


def refused(status: int, error: str, number: int, message: str) -> Answer:
    """An error of the token endpoint."""
    return Answer.json(
        {"error": error, "error_description": f"AADSTS{number}: {message}", "error_codes": [number]}, status
    )


def no_tenant(name: str) -> Answer:
    """Nobody has that directory."""
    return refused(400, "invalid_request", 90002, f"Tenant '{name}' not found.")


def no_app(client: str) -> Answer:
    """The tenant has no such app."""
    return refused(
        400,
        "unauthorized_client",
        700016,
        f"Application with identifier '{client}' was not found in the directory.",
    )


def wrong_secret(client: str) -> Answer:
    """The app is known, its secret is another."""
    return refused(401, "invalid_client", 7000215, f"Invalid client secret provided for app '{client}'.")
