//! What operators say of single backends while the proxy runs: ready, drain, maintenance, weight.
//!
//! It lies over what configuration says of them, is kept when a backend leaves the picture and returns, and is forgotten when the
//! process ends, as is what HAProxy's `set server` says.

use muster_balance::Traits;
use std::collections::BTreeMap;

/// One command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// It may get requests.
    State(AdminState),
    /// Its weight, 0 to [`WEIGHT_MAX`](muster_fleet::WEIGHT_MAX), or again what is configured.
    Weight(Option<u16>),
}

/// Whether a backend gets requests, as an operator wants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AdminState {
    /// As its configuration says, without `disabled`.
    #[default]
    Ready,
    /// Only requests that stick to it, and any when nothing else is usable.
    Drain,
    /// None at all.
    Maintenance,
}

/// Why an order was not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderError {
    /// There is none of this name.
    #[error("there is no such backend")]
    Unknown,
    /// The weight is too large.
    #[error("a weight is at most {}", muster_fleet::WEIGHT_MAX)]
    Weight,
}

/// What is configured of one backend, and what was ordered since.
#[derive(Clone, Debug, Default)]
struct Said {
    configured: Traits,
    state: Option<AdminState>,
    weight: Option<u16>,
}

/// Of all backends of which anything is said, by service and node.
#[derive(Debug, Default)]
pub(crate) struct Orders(BTreeMap<(String, String), Said>);

impl Orders {
    /// Over what is configured.
    pub(crate) fn over(configured: &[(String, String, Traits)]) -> Self {
        let said = |traits: &Traits| Said { configured: traits.clone(), ..Said::default() };
        Self(
            configured
                .iter()
                .map(|(service, node, traits)| ((service.clone(), node.clone()), said(traits)))
                .collect(),
        )
    }

    /// Takes an order in: what is to be said of the backend from now on.
    pub(crate) fn give(&mut self, service: &str, node: &str, order: Order) -> Result<Traits, OrderError> {
        if matches!(order, Order::Weight(Some(weight)) if weight > muster_fleet::WEIGHT_MAX) {
            return Err(OrderError::Weight);
        }
        let said = self.0.entry((service.into(), node.into())).or_default();
        match order {
            Order::State(state) => said.state = Some(state),
            Order::Weight(weight) => said.weight = weight,
        }
        Ok(said.traits())
    }

    /// In which state it is.
    pub(crate) fn state(&self, service: &str, node: &str) -> AdminState {
        let said = self.0.get(&(service.into(), node.into()));
        said.map(Said::state).unwrap_or_default()
    }
}

impl Said {
    fn state(&self) -> AdminState {
        let configured =
            if self.configured.maintenance { AdminState::Maintenance } else { AdminState::Ready };
        self.state.unwrap_or(configured)
    }

    fn traits(&self) -> Traits {
        let state = self.state();
        let weight = self.weight.or(self.configured.weight);
        Traits {
            weight: if state == AdminState::Drain { Some(0) } else { weight },
            maintenance: state == AdminState::Maintenance,
            ..self.configured.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drain_keeps_the_weight_for_later_and_ready_lifts_what_is_configured() {
        let disabled = Traits { maintenance: true, weight: Some(7), ..Traits::default() };
        let mut orders = Orders::over(&[("web".into(), "a".into(), disabled)]);
        assert_eq!(orders.state("web", "a"), AdminState::Maintenance);
        let mut give =
            |order| orders.give("web", "a", order).map(|traits| (traits.maintenance, traits.weight));
        assert_eq!(give(Order::State(AdminState::Drain)), Ok((false, Some(0))));
        assert_eq!(give(Order::Weight(Some(9))), Ok((false, Some(0))));
        assert_eq!(give(Order::State(AdminState::Ready)), Ok((false, Some(9))));
        assert_eq!(give(Order::Weight(None)), Ok((false, Some(7))));
        assert_eq!(give(Order::Weight(Some(u16::MAX))), Err(OrderError::Weight));
    }
}
