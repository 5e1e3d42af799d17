"""What the page does at the front, for tests without a browser."""

import httpx

from local_cloud.sign_in import sign_in


def open_dashboard(url: str, username: str = "", password: str = "") -> httpx.Client:
    """Signed in, by the code flow. Without a name, by a front that fills in the form itself. Raises SignInRefused."""
    client_id = httpx.get(f"{url}/config.json", timeout=120).raise_for_status().json()["sign_in"]["client_id"]
    tokens = sign_in(url, client_id, f"{url}/", username, password)
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {tokens.access_token}"}, timeout=120)
