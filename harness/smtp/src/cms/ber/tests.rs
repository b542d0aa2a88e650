use proptest::prelude::*;

use super::*;

#[test]
fn indefinite_lengths_and_pieces() {
    let ber = [
        0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 2, b'b', b'c', 0, 0, 0xa0, 0x80, 5, 0, 0, 0, 0, 0,
    ];
    assert_eq!(
        *definite(&ber).unwrap(),
        [0x30, 9, 4, 3, b'a', b'b', b'c', 0xa0, 2, 5, 0]
    );
}

#[test]
fn encrypted_content_becomes_one_string() {
    let ber = [
        0x30, 0x80, 6, 1, 42, 0x30, 0, 0xa0, 0x80, 4, 1, 1, 4, 1, 2, 0, 0, 0, 0,
    ];
    assert_eq!(
        *definite(&ber).unwrap(),
        [0x30, 9, 6, 1, 42, 0x30, 0, 0x80, 2, 1, 2]
    );
    // After an object identifier alone it is an explicit tag, as around the content of SignedData.
    let explicit = [0x30, 9, 6, 1, 42, 0xa0, 4, 4, 2, 1, 2];
    assert_eq!(*definite(&explicit).unwrap(), explicit);
}

#[test]
fn everything_is_closed_at_a_cut() {
    // A sequence with a number, a byte string in a context tag, and a number after it.
    let whole = [0x30, 13, 2, 2, 1, 2, 0xa0, 4, 4, 2, 8, 9, 2, 1, 7];
    assert_eq!(definite_cut(&whole).unwrap(), (whole.to_vec(), None));
    for (length, out, tag, value) in [
        (
            14,
            vec![0x30, 10, 2, 2, 1, 2, 0xa0, 4, 4, 2, 8, 9],
            2,
            Some(1),
        ),
        (13, vec![0x30, 10, 2, 2, 1, 2, 0xa0, 4, 4, 2, 8, 9], 0, None),
        (12, vec![0x30, 10, 2, 2, 1, 2, 0xa0, 4, 4, 2, 8, 9], 0, None),
        (11, vec![0x30, 9, 2, 2, 1, 2, 0xa0, 3, 4, 1, 8], 4, Some(2)),
        (8, vec![0x30, 6, 2, 2, 1, 2, 0xa0, 0], 0, None),
        (5, vec![0x30, 0], 2, Some(2)),
        (2, vec![0x30, 0], 0, None),
    ] {
        let (rewritten, cut) = definite_cut(&whole[..length]).unwrap();
        assert_eq!(rewritten, out, "{length}");
        assert_eq!(cut, Some(CutValue { tag, length: value }), "{length}");
    }
    // Past the end of its parent is damage, wherever the bytes end.
    assert!(definite_cut(&[0x30, 3, 4, 9, 1, 2]).is_err());
    assert!(definite_cut(&[0x30, 9, 0xa0, 1, 4, 9, 1, 2]).is_err());
}

#[test]
fn pieces_of_a_byte_string_are_joined_up_to_a_cut() {
    let ber = [0x30, 0x80, 0x24, 0x80, 4, 2, b'a', b'b', 4, 3, b'c', b'd'];
    for (length, text) in [
        (12, &b"abcd"[..]),
        (11, b"abc"),
        (9, b"ab"),
        (8, b"ab"),
        (7, b"a"),
    ] {
        let (rewritten, cut) = definite_cut(&ber[..length]).unwrap();
        assert_eq!(&rewritten[4..], text, "{length}");
        assert!(cut.is_some());
    }
}

#[test]
fn broken_input() {
    assert!(matches!(
        definite(&[0x30, 5, 1]),
        Err(Error::Asn1 { offset: 1, .. })
    ));
    assert!(matches!(
        definite(&[0x30, 0x80, 5, 0]),
        Err(Error::Asn1 { offset: 4, .. })
    ));
    assert!(matches!(
        definite(&[0x30, 0x80].repeat(1000)),
        Err(Error::Asn1 {
            what: "nested too deeply",
            ..
        })
    ));
    assert!(definite(&[]).is_err());
}

#[test]
fn lengths_are_written_as_short_as_possible() {
    for (size, header) in [
        (0, &[4, 0][..]),
        (127, &[4, 127]),
        (128, &[4, 0x81, 128]),
        (256, &[4, 0x82, 1, 0]),
    ] {
        let mut out = Vec::new();
        write(&mut out, &[4], &vec![9; size]);
        assert!(out.starts_with(header), "{size}");
        assert_eq!(out.len(), header.len() + size);
    }
}

/// Elements of all kinds, some of them in forms that have to be rewritten.
fn element() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![
        Just(OCTET_STRING),
        Just(OBJECT_IDENTIFIER),
        Just(2),
        Just(0x80)
    ];
    let primitive = (tag, proptest::collection::vec(any::<u8>(), 0..200));
    let primitive = primitive.prop_map(|(tag, value)| {
        let mut out = Vec::new();
        write(&mut out, &[tag], &value);
        out
    });
    primitive.prop_recursive(4, 40, 4, |inner| {
        let tag = prop_oneof![
            Just(SEQUENCE),
            Just(CONSTRUCTED_OCTET_STRING),
            Just(CONSTRUCTED_CONTEXT_0)
        ];
        let children = proptest::collection::vec(inner, 0..4);
        (tag, children, 0..4_u8).prop_map(|(tag, children, form)| {
            let value = children.concat();
            let mut out = Vec::new();
            match form {
                0 => out.extend([&[tag, 0x80], &value[..], &[0, 0]].concat()),
                1 => {
                    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
                    out.extend([&[tag, 0x84], &length[..], &value].concat());
                }
                _ => write(&mut out, &[tag], &value),
            }
            out
        })
    })
}

proptest! {
    #[test]
    fn what_is_passed_on_is_what_would_be_written(bytes in element()) {
        let walker = Walker { bytes: &bytes, lenient: false, cut: Cell::new(None) };
        let mut written = Vec::new();
        let walked = walker.element(0, bytes.len(), 0, &mut written).map(|_| written);
        let read = definite(&bytes);
        if let Ok(Cow::Borrowed(as_it_is)) = &read {
            prop_assert_eq!(as_it_is, &bytes);
        }
        prop_assert_eq!(read.map(Cow::into_owned), walked);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let cut = definite_cut(&bytes);
        if let Ok(once) = definite(&bytes) {
            prop_assert_eq!(&definite(&once).unwrap(), &once);
            prop_assert_eq!(cut, Ok((once.into_owned(), None)));
        } else if let Ok((closed, _)) = cut {
            prop_assert!(closed.is_empty() || definite(&closed).is_ok());
        }
    }
}
