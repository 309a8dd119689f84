//! What goes wrong on the way to a page: the user reads neutral words, the log has the details.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

use super::Page;
use crate::{models::ModelError, pictures::PictureError, store::StoreError};

/// What a handler gives.
pub(crate) type Answer = Result<Response, Problem>;

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Not there, or not for this person: not told which.
    Missing,
    /// There when the person looked, and deleted or merged since.
    Gone,
    /// A colleague's shared record would be taken from those who see it.
    Shared,
    /// The person's role does not allow it.
    Forbidden,
    /// The form's proof of origin is missing or old.
    Stale,
    /// Too many tries from one address.
    TooMany,
    /// More bytes than are taken.
    TooLarge,
    /// The body did not come in time.
    Slow,
    /// The request makes no sense.
    Bad,
    /// A value of the address is outside of what is taken: which, and what is taken, in the visitor's words.
    Range(String),
    /// Something in the program or below it failed.
    Broken,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::Missing,
            StoreError::Gone => Self::Gone,
            StoreError::Shared => Self::Shared,
            error => {
                tracing::error!(%error, "the records failed");
                Self::Broken
            }
        }
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        StoreError::from(error).into()
    }
}

impl From<PictureError> for Problem {
    fn from(error: PictureError) -> Self {
        tracing::error!(%error, "the pictures failed");
        Self::Broken
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        tracing::error!(%error, "a model failed");
        Self::Broken
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page cannot be written");
        Self::Broken
    }
}

impl Problem {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Gone => StatusCode::GONE,
            Self::Forbidden | Self::Stale | Self::Shared => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Bad => StatusCode::BAD_REQUEST,
            Self::Range(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is wrong, for programs.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Missing => "there is nothing here, or it is not yours to see",
            Self::Gone => "the record was deleted or merged into another meanwhile; nothing was changed",
            Self::Shared => "only who made a shared record decides who sees it",
            Self::Forbidden => "the key does not allow this",
            Self::Stale => "the proof of origin is missing or too old",
            Self::TooMany => "too many tries; wait some minutes",
            Self::TooLarge => "more bytes than this server takes",
            Self::Slow => "the body did not come in time",
            Self::Bad => "the request is not understood",
            Self::Range(_) => "a value of the address is outside of what is taken",
            Self::Broken => "something went wrong in the server; try again",
        }
    }

    /// The key of the words for people.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Missing => "problem-missing",
            Self::Gone => "problem-gone",
            Self::Shared => "problem-shared",
            Self::Forbidden => "problem-forbidden",
            Self::Stale => "problem-stale",
            Self::TooMany => "problem-too-many",
            Self::TooLarge => "problem-too-large",
            Self::Slow => "problem-slow",
            Self::Bad | Self::Range(_) => "problem-bad",
            Self::Broken => "problem-broken",
        }
    }

    /// The page that tells it.
    pub(crate) fn page(&self, page: &Page) -> Response {
        let words = match self {
            Self::Range(words) => words.clone(),
            problem => page.t(problem.key()),
        };
        let text = ProblemPage { page, words };
        match text.render() {
            Ok(html) => (self.status(), Html(html)).into_response(),
            Err(_) => self.status().into_response(),
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    page: &'a Page,
    words: String,
}

/// What a response carries until the page around it is known.
#[derive(Clone, Debug)]
pub(crate) struct Told(pub(crate) std::sync::Arc<Problem>);

impl IntoResponse for Problem {
    /// A bare status with the problem attached; the guard, which knows the visitor's language, writes the page.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Told(std::sync::Arc::new(self)));
        response
    }
}

/// What a handler gives that panicked: the page around it is written like that of any other problem.
pub(crate) fn broken(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::Broken.into_response()
}
