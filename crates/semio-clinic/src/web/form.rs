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
    let body = std::str::from_utf8(body).ok()?;
    let (_, value) = body.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    Some(decode(value))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|d| d.and_then(|d| (d as char).to_digit(16)));
                if let [Some(high), Some(low)] = digits {
                    bytes.push((high * 16 + low) as u8);
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
        assert_eq!(value(body, "broken").as_deref(), Some(""));
    }
}
