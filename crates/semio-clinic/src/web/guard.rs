//! Who visits, in which language, and whether the visitor may.

use std::net::{IpAddr, SocketAddr};

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{App, Page, Problem, error::Told};
use crate::{
    account::SignedIn,
    secret::random_text,
    store::entity::person::{Model as Person, Role},
    words::Language,
};

/// The cookie. `__Host-` binds it to this host, all paths, and TLS (RFC 6265bis).
const COOKIE: &str = "__Host-semio";
/// The same for addresses without TLS, which only this machine reaches.
const PLAIN_COOKIE: &str = "semio";
/// The language that a visitor who is not signed in chose.
const LANGUAGE: &str = "semio-language";
/// Forms are small.
const FORM_BYTES: usize = 1 << 20;

/// Who may see a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Everybody.
    Anyone,
    /// Whoever is signed in.
    SignedIn,
    /// Physicians.
    Physician,
    /// Administrators.
    Administrator,
}

impl Right {
    /// The word in the table of routes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::SignedIn => "signed-in",
            Self::Physician => "physician",
            Self::Administrator => "administrator",
        }
    }

    /// Whether somebody of that role, or nobody, has it.
    pub(crate) fn allows(self, role: Option<Role>) -> bool {
        match self {
            Self::Anyone => true,
            Self::SignedIn => role.is_some(),
            Self::Physician => role == Some(Role::Physician),
            Self::Administrator => role == Some(Role::Administrator),
        }
    }
}

/// One request's visitor.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// What the cookie holds; a new one where the browser brought none.
    pub(crate) cookie: String,
    pub(crate) signed_in: Option<SignedIn>,
    pub(crate) language: Language,
    pub(crate) address: IpAddr,
    pub(crate) path: String,
    /// `light` or `dark`, where the visitor chose.
    pub(crate) theme: Option<&'static str>,
}

impl Visit {
    /// Whoever is signed in.
    pub(crate) fn person(&self) -> Result<&Person, Problem> {
        self.signed_in.as_ref().map(|s| &s.person).ok_or(Problem::Forbidden)
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::Broken)
    }
}

/// Finds out who visits, and refuses changes that do not come from our own pages.
pub(super) async fn visit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let name = cookie_name(&app);
    let held = cookie(request.headers(), name).filter(|c| (32..=64).contains(&c.len())).map(str::to_owned);
    let found = match &held {
        Some(held) => app.store.signed_in(held).await,
        None => Ok(None),
    };
    let (signed_in, failed) = match found {
        Ok(signed_in) => (signed_in, None),
        Err(error) => (None, Some(Problem::from(error))),
    };
    let language = signed_in
        .as_ref()
        .and_then(|s| s.person.language.as_deref())
        .or_else(|| cookie(request.headers(), LANGUAGE))
        .and_then(Language::from_code)
        .unwrap_or_else(|| {
            let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|h| h.to_str().ok());
            Language::accepted(header.unwrap_or_default())
        });
    let new = held.is_none().then(random_text);
    let visit = Visit {
        cookie: held.or_else(|| new.clone()).unwrap_or_default(),
        signed_in,
        language,
        address: address(&app, &request),
        theme: cookie(request.headers(), "theme").and_then(|t| ["light", "dark"].into_iter().find(|known| *known == t)),
        path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
    };
    let page = Page::new(&app, &visit);
    if let Some(problem) = failed {
        return problem.page(&page);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        request = match proven(&app, &visit, request).await {
            Ok(request) => request,
            Err(problem) => return problem.page(&page),
        };
    }
    request.extensions_mut().insert(visit);
    let mut response = next.run(request).await;
    if let Some(Told(problem)) = response.extensions_mut().remove::<Told>() {
        response = problem.page(&page);
    }
    // Never over a cookie that a handler set.
    if let Some(new) = new
        && !response.headers().contains_key(header::SET_COOKIE)
        && let Ok(value) = HeaderValue::from_str(&set_cookie(&app, &new))
    {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Lets through who has the right.
pub(super) async fn guard(State(right): State<Right>, visit: Visit, request: Request, next: Next) -> Response {
    let role = visit.signed_in.as_ref().map(|s| s.person.role);
    if right.allows(role) {
        return next.run(request).await;
    }
    if role.is_some() {
        return Problem::Forbidden.into_response();
    }
    if request.headers().contains_key("hx-request") {
        // A fragment would put the sign-in page into the middle of another.
        return ([("hx-redirect", "/sign-in")], "").into_response();
    }
    let next_page = if request.method() == Method::GET { visit.path.as_str() } else { "/" };
    Redirect::to(&format!("/sign-in?next={}", encode(next_page))).into_response()
}

/// Checks that a change comes from one of our own pages: its form brings back what it was given for this visit.
async fn proven(app: &App, visit: &Visit, request: Request) -> Result<Request, Problem> {
    let is = |token: &str| app.store.secrets().is_form_token(&visit.cookie, token);
    if let Some(token) = request.headers().get("x-csrf") {
        return if token.to_str().is_ok_and(is) { Ok(request) } else { Err(Problem::Stale) };
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|k| k.to_str().ok()).unwrap_or_default();
    let takes_files = ["/upload", "/admin/models/upload"].contains(&request.uri().path());
    if kind.starts_with("multipart/form-data") && takes_files {
        // Too large to be read here: the handler looks at the first field before it takes any other.
        return Ok(request);
    }
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Problem::Stale);
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_BYTES).await.map_err(|_| Problem::TooLarge)?;
    let token = super::form::value(&bytes, "csrf").ok_or(Problem::Stale)?;
    if is(&token) { Ok(Request::from_parts(parts, Body::from(bytes))) } else { Err(Problem::Stale) }
}

fn cookie_name(app: &App) -> &'static str {
    if app.config.is_encrypted() { COOKIE } else { PLAIN_COOKIE }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|h| h.to_str().ok()).flat_map(|h| h.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The header that gives the browser a cookie.
pub(crate) fn set_cookie(app: &App, value: &str) -> String {
    let secure = if app.config.is_encrypted() { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(app))
}

/// The header that keeps the language of a visitor who is not signed in.
pub(crate) fn set_language(app: &App, language: Language) -> String {
    let secure = if app.config.is_encrypted() { "; Secure" } else { "" };
    format!("{LANGUAGE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}", language.code())
}

/// Where the request comes from; behind a proxy, what the proxy says.
fn address(app: &App, request: &Request) -> IpAddr {
    let forwarded = || {
        // The last entry of the last line is the proxy's own; those before it can be made up.
        let header = request.headers().get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        header.rsplit(',').next()?.trim().parse().ok()
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    app.config.behind_proxy.then(forwarded).flatten().or(peer).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

/// A text as a value in an address.
pub(crate) fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
