"""Operations that no router of `/2` knows: the older uploads, and how applications get tokens."""

from typing import Any

from twitterlite.openapi.answers import JSON
from twitterlite.openapi.errors import problem_response
from twitterlite.openapi.parts import COUNT, ID, TEXT, URI, Schema, ref, said, thing, words

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
HTML = "text/html"
_OLD, _LOGIN = ["Media"], ["Tokens"]
_FILE = said(TEXT, "The file; in text as base64 in `media_data`.")


def _parameter(name: str, schema: Schema, *, required: bool = False, text: str = "") -> Schema:
    return {"in": "query", "name": name, "required": required, "schema": schema,
            "description": text}  # fmt: skip


def _body(schema: Schema, *kinds: str, required: bool = True) -> Schema:
    return {"required": required, "content": {kind: {"schema": schema} for kind in kinds}}


def _answer(text: str, schema: Schema, kind: str = JSON) -> Schema:
    return {"description": text, "content": {kind: {"schema": schema}}}


_OLD_BODY = thing(
    {
        "command": words("INIT", "APPEND", "FINALIZE"),
        "media_id": ID,
        "media": _FILE,
        "media_data": TEXT,
        "segment_index": said(TEXT, "0 to 999."),
        "total_bytes": TEXT,
        "media_type": TEXT,
        "media_category": words("tweet_image", "tweet_gif", "dm_image", "dm_gif"),
        "additional_owners": TEXT,
    },
    text="Without a command the whole file.",
    open_ended=True,
)
_OLD_ALT = thing(
    {"media_id": ID, "alt_text": thing({"text": {"type": "string", "maxLength": 1000}}, "text")},
    "media_id",
    "alt_text",
    open_ended=True,
)
_TOKEN_FORM = thing(
    {
        "grant_type": words("authorization_code", "refresh_token", "client_credentials"),
        "code": said(TEXT, "With `authorization_code`: what the person came back with."),
        "redirect_uri": URI,
        "code_verifier": said(TEXT, "What the challenge was made of."),
        "refresh_token": TEXT,
        "client_id": said(TEXT, "Of an application that keeps no secret."),
        "client_secret": TEXT,
    },
    "grant_type",
    open_ended=True,
)
_TOKENS = thing(
    {
        "token_type": words("bearer"),
        "expires_in": COUNT,
        "access_token": TEXT,
        "scope": TEXT,
        "refresh_token": said(TEXT, "Only with `offline.access`; good once."),
    },
    "token_type",
    "access_token",
    "scope",
)
_APP_TOKEN = thing({"token_type": words("bearer"), "access_token": TEXT}, "token_type",
                   "access_token")  # fmt: skip


def _oauth2(
    summary: str, text: str, body: Schema, answer: Schema, *, security: list[Any]
) -> Schema:
    refusals = {
        str(status): _answer(meaning, ref("OAuthError"))
        for status, meaning in {
            400: "The request makes no sense; `error` says why in the words of RFC 6749.",
            401: "The application could not show who it is.",
            403: "This is not the application's to do.",
        }.items()
    }
    return {
        "summary": summary,
        "description": text,
        "tags": _LOGIN,
        "security": security,
        "requestBody": _body(body, FORM, JSON),
        "responses": {
            "200": _answer("Done.", answer),
            **refusals,
            **_problems(413, 429, 503),
        },
    }


def _oauth1(summary: str, text: str) -> Schema:
    return {
        "summary": summary,
        "description": text,
        "tags": _LOGIN,
        "security": [{"UserToken": []}],
        "responses": {
            "200": _answer("A form.", TEXT, FORM),
            **_problems(400, 401, 403, 413, 429, 503),
        },
    }


def _problems(*statuses: int) -> Schema:
    return {str(status): problem_response(status) for status in statuses}


def _page(summary: str, text: str, *parameters: Schema) -> Schema:
    moved: Schema = {
        "description": "To the log-in, or back to the application.",
        "headers": {"Location": {"schema": TEXT, "required": True}},
    }
    wrong = _answer(
        "The application or its address is not known; nobody is sent there.", TEXT, HTML
    )
    return {
        "summary": summary,
        "description": text,
        "tags": _LOGIN,
        "security": [],
        "parameters": list(parameters),
        "responses": {
            "200": _answer("The page that asks.", TEXT, HTML), "302": moved, "400": wrong,
        },
    }  # fmt: skip


_BASIC: list[Any] = [{"Basic": []}]
_ASK = "A page for a person's browser: it says in plain words what is granted."
_STEP_2 = _page(
    "Ask a person, OAuth 1.0a",
    _ASK,
    _parameter("oauth_token", TEXT, required=True, text="From /oauth/request_token."),
)
_STEP_2["responses"]["404"] = _answer("Without an `oauth_token` there is nothing here.", TEXT, HTML)

OUTSIDE: dict[str, dict[str, Schema]] = {
    "/2/oauth2/token": {
        "post": _oauth2(
            "A token for a code, or for a refresh token",
            "An application that keeps a secret shows it by HTTP Basic; another sends `client_id`.",
            _TOKEN_FORM,
            _TOKENS,
            security=[*_BASIC, {}],
        )
    },
    "/2/oauth2/revoke": {
        "post": _oauth2(
            "End a token",
            "It opens nothing from now on; the access and refresh tokens made with it neither.",
            thing(
                {"token": TEXT, "client_id": TEXT, "client_secret": TEXT}, "token", open_ended=True
            ),
            thing({"revoked": {"type": "boolean"}}, "revoked"),
            security=[*_BASIC, {}],
        )
    },
    "/oauth2/token": {
        "post": _oauth2(
            "An application's own token",
            "HTTP Basic with API key and secret; the token is the same until it is invalidated.",
            thing({"grant_type": words("client_credentials")}, "grant_type", open_ended=True),
            _APP_TOKEN,
            security=_BASIC,
        )
    },
    "/oauth2/invalidate_token": {
        "post": _oauth2(
            "End an application's own token",
            "HTTP Basic with API key and secret; the next token is another one.",
            thing({"access_token": TEXT}, open_ended=True),
            thing({"access_token": TEXT}, "access_token"),
            security=_BASIC,
        )
    },
    "/i/oauth2/authorize": {
        "get": _page(
            "Ask a person, OAuth 2.0 with PKCE",
            _ASK,
            _parameter("response_type", words("code"), required=True, text="Always code."),
            _parameter("client_id", TEXT, required=True, text="The application's."),
            _parameter("redirect_uri", URI, required=True, text="One that is registered."),
            _parameter("scope", TEXT, required=True, text="Separated by spaces."),
            _parameter("state", TEXT, text="Comes back as it is."),
            _parameter("code_challenge", TEXT, required=True, text="Of the verifier."),
            _parameter(
                "code_challenge_method",
                words("S256", "s256", "plain"),
                required=True,
                text="S256, unless a program cannot.",
            ),
        )
    },
    "/oauth/request_token": {
        "post": _oauth1(
            "OAuth 1.0a, step 1: a request token",
            "Signed with the application's API key and secret; takes `oauth_callback`.",
        )
    },
    "/oauth/authorize": {"get": _STEP_2},
    "/oauth/authenticate": {"get": _STEP_2},
    "/oauth/access_token": {
        "post": _oauth1(
            "OAuth 1.0a, step 3: the access token",
            "Signed with the request token; takes `oauth_verifier`. The token begins with the"
            " account's id.",
        )
    },
    "/1.1/media/upload.json": {
        "get": {
            "summary": "How far an upload is (v1.1)",
            "description": "`command=STATUS`.",
            "tags": _OLD,
            "parameters": [
                _parameter("command", words("STATUS"), required=True),
                _parameter("media_id", ID, required=True),
            ],
        },
        "post": {
            "summary": "Upload a picture (v1.1)",
            "description": "In one piece, or INIT, APPEND and FINALIZE. For clients that know no"
            " v2 of this, such as tweepy.",
            "tags": _OLD,
            "requestBody": _body(_OLD_BODY, MULTIPART, FORM, JSON),
        },
    },
    "/1.1/media/metadata/create.json": {
        "post": {
            "summary": "Describe a picture (v1.1)",
            "description": "At most 1,000 characters.",
            "tags": _OLD,
            "requestBody": _body(_OLD_ALT, JSON),
        }
    },
}
