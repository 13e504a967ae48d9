//! Files made of templates, and how that goes.

use crate::shared::Shared;
use axum::Json;
use axum::extract::State;
use muster_control::templates::Templates;
use std::sync::Arc;

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Templates> {
    Json(Templates { templates: shared.templates.rows() })
}
