//! Changes of our own tags.

use super::body::Body;
use super::refusal::Refusal;
use crate::own_tags::{Refused, tags_note};
use crate::shared::Shared;
use axum::Json;
use axum::extract::State;
use muster_control::routes::{TagsRequest, TagsResponse};
use std::sync::Arc;

pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<TagsRequest>,
) -> Result<Json<TagsResponse>, Refusal> {
    let TagsRequest { set, delete } = request;
    tracing::info!(?set, ?delete, "tags change");
    let tags = shared.tags.update(set, &delete).await?;
    let note = tags_note(&tags);
    Ok(Json(TagsResponse { tags, note }))
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Gone(gone) => gone.into(),
            Refused::TooLong(_) | Refused::Nameless => Self::bad_request(refused.to_string()),
            Refused::File(error) => Self::new(507, "tags not kept", error.to_string()),
        }
    }
}
