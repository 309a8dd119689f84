//! Bodies of forms.

use axum::{
    extract::{FromRequest, Request},
    response::IntoResponse,
};
use serde::de::DeserializeOwned;

use super::Problem;

/// A form's fields. The guard has looked at its proof of origin.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        axum::Form::<T>::from_request(request, state).await.map(|form| Self(form.0)).map_err(|rejection| {
            if rejection.into_response().status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                Problem::TooLarge
            } else {
                Problem::Bad
            }
        })
    }
}

/// One value of an encoded form.
pub(crate) fn value(body: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn values_are_decoded() {
        let body = b"a=1&name=Ren%C3%A9e+D%27A&csrf=abc&broken=%zz%";
        assert_eq!(value(body, "name").as_deref(), Some("Renée D'A"));
        assert_eq!(value(body, "csrf").as_deref(), Some("abc"));
        assert_eq!(value(body, "none"), None);
        assert_eq!(value(body, "broken").as_deref(), Some("%zz%"));
    }
}
