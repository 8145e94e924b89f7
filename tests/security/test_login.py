"""The browser's way in: a link that works once, and a cookie that stays with our own pages."""

from __future__ import annotations

from typing import Any

from genlock.daemon.access import CODE_SECONDS, CODES_AT_ONCE, Access


def test_the_link_works_once_and_sets_a_strict_cookie(visitor: Any) -> None:
    made = visitor.send("POST", "/login-code", visitor.bearer).json()
    assert made["url"] == f"{visitor.base}/login?code={made['code']}"
    answer = visitor.send("GET", f"/login?code={made['code']}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"genlock_{visitor.daemon.port}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert visitor.daemon.token.lower() not in cookie
    again = visitor.send("GET", f"/login?code={made['code']}")
    assert again.status_code == 401
    assert "set-cookie" not in again.headers


def test_the_cookie_lets_a_browser_read(visitor: Any) -> None:
    code = visitor.send("POST", "/login-code", visitor.bearer).json()["code"]
    cookie = visitor.send("GET", f"/login?code={code}").headers["set-cookie"].partition(";")[0]
    assert visitor.send("GET", "/api/projects", {"cookie": cookie}).status_code == 200


def test_a_wrong_code_sets_nothing(visitor: Any) -> None:
    for code in ("", "x", "%00", "a" * 200):
        answer = visitor.send("GET", f"/login?code={code}")
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


def test_making_a_code_needs_more_than_a_cookie(visitor: Any) -> None:
    assert visitor.send("POST", "/login-code").status_code == 401
    assert visitor.send("POST", "/login-code", visitor.cookie).status_code == 403


def test_codes_grow_old() -> None:
    now = [0.0]
    access = Access(1, clock=lambda: now[0])
    fresh, old = access.issue_code(), access.issue_code()
    assert access.redeem(fresh)
    now[0] = CODE_SECONDS + 1
    assert not access.redeem(old)


def test_codes_do_not_pile_up() -> None:
    access = Access(1)
    codes = [access.issue_code() for _ in range(CODES_AT_ONCE + 1)]
    assert not access.redeem(codes[0])
    assert access.redeem(codes[-1])


def test_secrets_are_long_and_new_each_start() -> None:
    one, two = Access(1), Access(1)
    secrets = {one.token, one.session, two.token, two.session}
    assert len(secrets) == 4
    assert all(len(secret) >= 43 for secret in secrets)  # 256 bits in base64
    assert one.cookie == "genlock_1"
