//! A structure on the wire as a table: its keys beside our fields.

/// Implements [`Decode`](crate::msgpack::Decode) and [`Encode`](crate::msgpack::Encode) for a struct.
///
/// Keys stand in the order in which Go declares the fields, because an array of values comes in that order; they are
/// *written* sorted by name. `as NilIfEmpty` and `as OmitIfEmpty` choose how an empty value is written.
#[macro_export]
macro_rules! record {
    ($record:ty { $($key:ident => $field:ident $(as $form:ident)?),+ $(,)? }) => {
        impl<'a> $crate::msgpack::Decode<'a> for $record {
            fn decode(reader: &mut $crate::msgpack::Reader<'a>) -> Result<Self, $crate::DecodeError> {
                $(let mut $field = None;)+
                reader.record(&[$(stringify!($key)),+], |key, reader| {
                    match key {
                        $(stringify!($key) => $field = Some(reader.field(stringify!($key))?),)+
                        _ => _ = reader.skip()?,
                    }
                    Ok(())
                })?;
                Ok(Self {
                    $($field: match $field {
                        Some(value) => value,
                        None => $crate::msgpack::Decode::absent()
                            .map_err(|error: $crate::DecodeError| error.in_field(stringify!($key)))?,
                    },)+
                })
            }

            fn absent() -> Result<Self, $crate::DecodeError> {
                Ok(Self {
                    $($field: $crate::msgpack::Decode::absent()
                        .map_err(|error: $crate::DecodeError| error.in_field(stringify!($key)))?,)+
                })
            }
        }

        impl<'a> $crate::msgpack::Encode for $record {
            fn encode(&self, writer: &mut $crate::msgpack::Writer<'_>) {
                writer.record(&mut [
                    $((stringify!($key), $crate::record!(@form self.$field $(, $form)?)),)+
                ]);
            }
        }
    };
    (@form $value:expr) => { &$value };
    (@form $value:expr, $form:ident) => { &$crate::msgpack::$form(&$value) };
}
