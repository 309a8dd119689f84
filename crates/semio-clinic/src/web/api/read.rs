//! What programs send, read so that whatever cannot be read is told as a problem document.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::JsonRejection},
    http::request::Parts,
    response::Response,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::told::{document, invalid};

/// A body of JSON. One of another form names the field.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Json::<T>::from_request(request, state).await {
            Ok(body) => Ok(Self(body.0)),
            Err(error @ JsonRejection::JsonDataError(_)) => {
                let (field, reason) = fault(&error.body_text());
                Err(invalid("fields are not as they should be", [(field, reason)]))
            }
            Err(error) => Err(document(error.status(), &error.body_text())),
        }
    }
}

/// The field that a reader of JSON speaks of, and what it says: `…: sex: invalid type` or `…: missing field `sex` at …`.
fn fault(text: &str) -> (String, String) {
    let told = text.split_once(": ").map_or(text, |(_, told)| told);
    let quoted = |begin: &str| told.split_once(begin).and_then(|(_, rest)| rest.split_once('`')).map(|(name, _)| name);
    let at_path = || told.split_once(": ").map(|(path, _)| path).filter(|path| !path.contains(' '));
    let field = quoted("missing field `").or_else(|| quoted("unknown field `")).or_else(at_path).unwrap_or_default();
    (field.to_owned(), told.to_owned())
}

/// An address' query.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|query| Self(query.0)).map_err(|error| document(error.status(), &error.body_text()))
    }
}

/// An identity in an address.
pub(super) struct Id(pub(super) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let read = Path::<Uuid>::from_request_parts(parts, state).await;
        read.map(|id| Self(id.0)).map_err(|error| document(error.status(), "the address holds no identity"))
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn a_fault_names_its_field() {
        let begin = "Failed to deserialize the JSON body into the target type";
        for (told, field) in [
            ("sex: invalid type: integer `1`, expected a string at line 1 column 8", "sex"),
            ("missing field `birth_date` at line 1 column 9", "birth_date"),
            ("unknown field `age`, expected one of `family_name`, `sex` at line 1 column 6", "age"),
            ("age: unknown field `age`, expected `sex` at line 1 column 6", "age"),
            ("invalid type: sequence, expected struct NewPatient at line 1 column 0", ""),
        ] {
            assert_eq!(fault(&format!("{begin}: {told}")), (field.to_owned(), told.to_owned()));
        }
    }
}
