use super::*;
use crate::memberlist::{Alive, Message, Ping};
use crate::{DecodeError, RawAddr, Versions};

fn read<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    Reader::new(bytes).value()
}

fn written(dialect: Dialect, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut Writer::new(dialect, &mut out));
    out
}

#[test]
fn integers_are_read_from_any_width_that_holds_them() {
    for bytes in [
        &b"\x07"[..],
        b"\xcc\x07",
        b"\xcd\0\x07",
        b"\xce\0\0\0\x07",
        b"\xcf\0\0\0\0\0\0\0\x07",
        b"\xd0\x07",
        b"\xd1\0\x07",
        b"\xd2\0\0\0\x07",
        b"\xd3\0\0\0\0\0\0\0\x07",
    ] {
        assert_eq!(read::<u8>(bytes), Ok(7));
        assert_eq!(read::<i64>(bytes), Ok(7));
    }
    assert_eq!(read::<u64>(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(u64::MAX));
    assert_eq!(read::<i64>(b"\xd3\x80\0\0\0\0\0\0\0"), Ok(i64::MIN));
    assert_eq!(read::<i64>(b"\xe0"), Ok(-32));
}

#[test]
fn negative_integers_keep_their_sign_and_their_shortest_form() {
    for (value, bytes) in [
        (-1, &b"\xff"[..]),
        (-32, b"\xe0"),
        (-33, b"\xd0\xdf"),
        (-128, b"\xd0\x80"),
        (-129, b"\xd1\xff\x7f"),
        (-32_768, b"\xd1\x80\0"),
        (-32_769, b"\xd2\xff\xff\x7f\xff"),
        (-2_147_483_649, b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
    ] {
        assert_eq!(read::<i64>(bytes), Ok(value));
        assert_eq!(written(Dialect::Gossip, |writer| writer.int(value)), bytes);
    }
}

#[test]
fn integers_that_do_not_fit_and_floats_are_refused() {
    let out_of_range = Err(DecodeError::Msgpack("integer out of range"));
    assert_eq!(read::<u16>(b"\xce\0\x01\0\0"), out_of_range);
    assert_eq!(read::<u32>(b"\xff"), Err(DecodeError::Msgpack("integer out of range")));
    assert_eq!(read::<u32>(b"\xca\x3f\x80\0\0"), Err(DecodeError::Msgpack("not an integer")));
    assert_eq!(read::<f64>(b"\xca\x3f\x80\0\0"), Ok(1.0));
    assert_eq!(read::<f64>(b"\x02"), Ok(2.0));
}

#[test]
fn text_and_bytes_are_read_from_every_family() {
    for bytes in [
        &b"\xa2hi"[..],
        b"\xd9\x02hi",
        b"\xda\0\x02hi",
        b"\xdb\0\0\0\x02hi",
        b"\xc4\x02hi",
        b"\xc5\0\x02hi",
        b"\xc6\0\0\0\x02hi",
    ] {
        assert_eq!(read::<&str>(bytes), Ok("hi"));
        assert_eq!(read::<&[u8]>(bytes), Ok(&b"hi"[..]));
    }
    assert_eq!(read::<&str>(b"\xa1\xff"), Err(DecodeError::Msgpack("text that is not UTF-8")));
    assert_eq!(read::<&[u8]>(b"\xa1\xff"), Ok(&b"\xff"[..]));
}

#[test]
fn nil_is_the_zero_value_of_anything() {
    assert_eq!(read::<u32>(b"\xc0"), Ok(0));
    assert_eq!(read::<bool>(b"\xc0"), Ok(false));
    assert_eq!(read::<&str>(b"\xc0"), Ok(""));
    assert_eq!(read::<Option<&[u8]>>(b"\xc0"), Ok(None));
    assert_eq!(read::<Vec<&str>>(b"\xc0"), Ok(vec![]));
    assert_eq!(read::<Ping<'_>>(b"\xc0"), Ok(Ping { seq_no: 0, node: "", source: None }));
    assert_eq!(read::<Vec<u8>>(b"\x92\xc0\x01"), Ok(vec![0, 1]));
}

#[test]
fn lengths_choose_the_shortest_head_of_the_dialect() {
    let text = |length: usize| "x".repeat(length);
    for (length, gossip, rpc_text, rpc_bytes) in [
        (31, &b"\xbf"[..], &b"\xbf"[..], &b"\xc4\x1f"[..]),
        (32, b"\xda\0\x20", b"\xd9\x20", b"\xc4\x20"),
        (255, b"\xda\0\xff", b"\xd9\xff", b"\xc4\xff"),
        (256, b"\xda\x01\0", b"\xda\x01\0", b"\xc5\x01\0"),
        (65535, b"\xda\xff\xff", b"\xda\xff\xff", b"\xc5\xff\xff"),
        (65536, b"\xdb\0\x01\0\0", b"\xdb\0\x01\0\0", b"\xc6\0\x01\0\0"),
    ] {
        let (text, bytes) = (text(length), vec![b'x'; length]);
        let whole = |head: &[u8]| [head, &bytes].concat();
        assert_eq!(written(Dialect::Gossip, |writer| writer.str(&text)), whole(gossip));
        assert_eq!(written(Dialect::Gossip, |writer| writer.bytes(&bytes)), whole(gossip));
        assert_eq!(written(Dialect::Rpc, |writer| writer.str(&text)), whole(rpc_text));
        assert_eq!(written(Dialect::Rpc, |writer| writer.bytes(&bytes)), whole(rpc_bytes));
    }
    for (count, array, map) in [
        (15, &b"\x9f"[..], &b"\x8f"[..]),
        (16, b"\xdc\0\x10", b"\xde\0\x10"),
        (65536, b"\xdd\0\x01\0\0", b"\xdf\0\x01\0\0"),
    ] {
        assert_eq!(written(Dialect::Gossip, |writer| writer.array(count)), array);
        assert_eq!(written(Dialect::Gossip, |writer| writer.map(count)), map);
    }
}

#[test]
fn structures_skip_unknown_keys_and_may_come_as_arrays() {
    let ping = Ok(Ping { seq_no: 5, node: "a", source: None });
    assert_eq!(read(b"\x82\xa5SeqNo\x05\xa4Node\xa1a"), ping);
    assert_eq!(read(b"\x83\xa3New\x93\x01\x81\x01\x02\xd6\0\0\0\0\0\xa5SeqNo\x05\xa4Node\xa1a"), ping);
    // Go's order of declaration, not the alphabet's.
    assert_eq!(read(b"\x92\x05\xa1a"), ping);
    assert_eq!(read(b"\x96\x05\xa1a\xc0\xc0\xc0\x07"), ping);
}

#[test]
fn a_wrong_field_is_named() {
    let problem = read::<Ping<'_>>(b"\x81\xa5SeqNo\xa1x");
    assert_eq!(problem, Err(DecodeError::Field { field: "SeqNo", problem: "not an integer" }));
    let problem = read::<Alive<'_>>(b"\x81\xa4Node\xa1x").unwrap_err();
    assert_eq!(problem.to_string(), "field Addr: an address must have 4 or 16 bytes");
}

#[test]
fn versions_may_come_as_an_array_and_short_ones_are_none() {
    let versions = Ok(Some(Versions::OURS));
    assert_eq!(read::<Option<Versions>>(b"\xa6\x01\x05\x02\x02\x05\x05"), versions);
    assert_eq!(read::<Option<Versions>>(b"\x96\x01\x05\x02\x02\x05\x05"), versions);
    assert_eq!(read::<Option<Versions>>(b"\x97\x01\x05\x02\x02\x05\x05\x09"), versions);
    assert_eq!(read::<Option<Versions>>(b"\x95\x01\x05\x02\x02\x05"), Ok(None));
    assert_eq!(read::<Option<Versions>>(b"\xa5\x01\x05\x02\x02\x05"), Ok(None));
    assert_eq!(read::<Option<Versions>>(b"\xc0"), Ok(None));
    assert_eq!(read::<Option<Versions>>(b"\x81\x01\x02"), Err(DecodeError::Msgpack("not an array")));
}

#[test]
fn an_address_of_another_length_makes_the_message_unreadable() {
    let mut out = Vec::new();
    let alive = Alive {
        incarnation: 1,
        node: "a",
        addr: RawAddr::V4(*b"ABCD"),
        port: 1,
        meta: b"",
        versions: Some(Versions::OURS),
    };
    Message::Alive(alive).encode(&mut out);
    let at = out.windows(5).position(|window| window == b"\xa4ABCD").unwrap();
    out[at] = 0xa3;
    out.remove(at + 1);
    assert!(matches!(Message::decode(&out), Err(DecodeError::Field { field: "Addr", .. })));
}

#[test]
fn the_deepest_nesting_is_skipped_without_a_stack() {
    let mut bytes = vec![0x91; 8 << 20];
    assert_eq!(Reader::new(&bytes).skip(), Err(DecodeError::Truncated));
    bytes.push(0xc0);
    assert_eq!(Reader::new(&bytes).skip().map(<[u8]>::len), Ok(bytes.len()));
}

#[test]
fn claimed_lengths_allocate_nothing() {
    for bytes in [
        &b"\xdd\xff\xff\xff\xff"[..],
        b"\xdb\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff",
    ] {
        assert_eq!(Reader::new(bytes).skip(), Err(DecodeError::Truncated));
    }
    assert_eq!(read::<Vec<&str>>(b"\xdd\xff\xff\xff\xff"), Err(DecodeError::Truncated));
    assert_eq!(read::<Vec<(&str, u64)>>(b"\xdf\xff\xff\xff\xff"), Err(DecodeError::Truncated));
}

#[test]
fn all_lists_of_a_message_share_one_bound() {
    let list = |elements: usize| {
        let mut bytes = written(Dialect::Gossip, |writer| writer.array(elements));
        bytes.resize(bytes.len() + elements, 0xa0);
        bytes
    };
    assert_eq!(read::<Vec<&str>>(&list(ELEMENTS_MAX)).map(|list| list.len()), Ok(ELEMENTS_MAX));
    let two = [list(ELEMENTS_MAX - 1), list(2)].concat();
    let mut reader = Reader::new(&two);
    assert!(reader.value::<Vec<&str>>().is_ok());
    let too_large = DecodeError::TooLarge { what: "list elements", limit: ELEMENTS_MAX };
    assert_eq!(reader.value::<Vec<&str>>(), Err(too_large));
}

#[test]
fn an_extent_is_found_in_steps_and_refused_as_early_as_it_can_be() {
    let bytes = b"\x82\xa1a\xdb\0\0\0\x03xyz\xa1b\x92\x01\x02";
    for cut in 0..bytes.len() {
        let mut extent = Extent::new(0, 1, bytes.len());
        assert_eq!(extent.advance(&bytes[..cut]), Ok(None));
        assert_eq!(extent.advance(bytes), Ok(Some(bytes.len())));
        assert_eq!(extent.advance(bytes), Ok(Some(bytes.len())), "asking again changes nothing");
    }
    // Five bytes tell that four gigabytes are to come.
    let claim = Extent::new(0, 1, 1000).advance(b"\xdb\xff\xff\xff\xff");
    assert_eq!(claim, Err(DecodeError::TooLarge { what: "message bytes", limit: 1000 }));
    assert_eq!(Extent::new(0, 1, 9).advance(b"\xc1"), Err(DecodeError::Msgpack("the reserved byte c1")));
}
