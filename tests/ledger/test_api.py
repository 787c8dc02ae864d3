"""REST of the ledger."""

from __future__ import annotations

from tests.api_client import ApiClient
from tests.problems import problem

from sekisho.ledger import merkle
from sekisho.ledger.audit import open_checkpoint
from sekisho.ledger.signing import load_public_key
from sekisho.ledger.types import Entry


async def test_the_ledger_is_not_for_strangers(api: ApiClient) -> None:
    """Without a token only the public keys are shown."""
    for path in ("checkpoint", "entries", "entries/0", "entries/0/proof", "consistency?first=0"):
        problem(await api.get(f"/v1/ledger/{path}"), 401, "unauthenticated")
    problem(await api.post("/v1/ledger/verify"), 401, "unauthenticated")
    assert (await api.get("/v1/keys")).status_code == 200


async def test_bad_parameters_are_named(api: ApiClient) -> None:
    """Unknown, ill-typed and out-of-range parameters are refused."""
    headers = await api.role("viewer")
    for path in (
        "entries?limit=0",
        "entries?limit=201",
        "entries?order=sideways",
        "entries?cursor=x",
        "entries?colour=red",
        "consistency",
        "consistency?first=-1",
        "consistency?first=1&second=10000",
        "entries/0/proof?size=0",
    ):
        body = problem(await api.get(f"/v1/ledger/{path}", headers=headers), 400, "invalid")
        assert body["errors"], path


async def test_a_viewer_of_one_project_sees_its_entries_only(api: ApiClient) -> None:
    """Entries of the whole server and of other projects are neither listed nor found."""
    headers = await api.role("viewer")
    items = (await api.get("/v1/ledger/entries", headers=headers)).json()["items"]
    assert {item["project"] for item in items} == {"default"}
    hidden = next(seq for seq in range(10) if seq not in {item["seq"] for item in items})
    problem(await api.get(f"/v1/ledger/entries/{hidden}", headers=headers), 404, "not-found")
    problem(await api.get(f"/v1/ledger/entries/{hidden}/proof", headers=headers), 404, "not-found")
    problem(await api.get("/v1/ledger/entries?project=other", headers=headers), 404, "not-found")


async def test_a_client_proves_what_the_server_says(api: ApiClient) -> None:
    """With the public key alone a client checks checkpoint, inclusion and consistency of what it was told."""
    headers = await api.role("admin", project="*")
    pem = (await api.get("/v1/keys")).json()["items"][0]["pem"]
    key = load_public_key(pem)
    told = (await api.get("/v1/ledger/checkpoint", headers=headers)).json()
    signed = open_checkpoint(told["envelope"], {key.keyid: key})
    assert signed.content() == {name: told[name] for name in ("origin", "size", "root", "time")}
    entry = Entry(**(await api.get("/v1/ledger/entries/2", headers=headers)).json())
    proof = (await api.get("/v1/ledger/entries/2/proof", params={"size": signed.size}, headers=headers)).json()
    hashes, root = [merkle.raw(value) for value in proof["hashes"]], merkle.raw(signed.root)
    assert merkle.verify_inclusion(entry.leaf(), 2, signed.size, hashes, root)
    grown = (await api.get("/v1/ledger/consistency", params={"first": 2}, headers=headers)).json()
    hashes = [merkle.raw(value) for value in grown["hashes"]]
    assert merkle.verify_consistency(2, grown["second"], merkle.raw(grown["first_root"]), root, hashes)


async def test_pages_and_order(api: ApiClient) -> None:
    """Following next_cursor from the oldest entry reads the whole log."""
    headers = await api.role("viewer", project="*")
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        params = {"order": "oldest", "limit": "3", **cursor}
        page = (await api.get("/v1/ledger/entries", params=params, headers=headers)).json()
        seen += [item["seq"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == list(range(len(seen)))
    kinds = (await api.get("/v1/ledger/entries?kind=role.granted&subject=viewer", headers=headers)).json()["items"]
    assert [(item["subject"], item["body"]["role"]) for item in kinds] == [("viewer", "viewer")]


async def test_verify(api: ApiClient) -> None:
    """An untouched ledger has no problems."""
    found = await api.post("/v1/ledger/verify", headers=await api.role("viewer"))
    assert found.status_code == 200
    assert found.json()["problems"] == []
    assert found.json()["entries"] > 0


async def test_keys_say_which_one_signs(api: ApiClient) -> None:
    """The key in use is marked."""
    items = (await api.get("/v1/keys")).json()["items"]
    assert [(item["active"], item["algorithm"]) for item in items] == [(True, "ed25519")]
