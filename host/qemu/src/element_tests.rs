//! Both ways of an element, and the values that could try to get out of their place.

use super::*;

#[test]
fn a_value_cannot_bring_in_a_key() {
    let evil = "/x,readonly=off,,y";
    let option = Element::option("-fsdev", Some("local,a=b")).with("path", evil);
    let Argument::Text(name, text) = option.argument() else {
        panic!("it is no channel");
    };
    assert_eq!(name, "-fsdev");
    assert_eq!(text, "local,,a=b,path=/x,,readonly=off,,,,y");
    let node = Element::blockdev("file", "n").with("filename", evil);
    let Argument::Text(_, text) = node.argument() else {
        panic!("it is no channel");
    };
    let read: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read["filename"], evil);
}

#[test]
fn the_same_element_goes_both_ways() {
    let disk = Element::device("virtio-blk-pci", "image1")
        .with("bootindex", 0)
        .with("write-cache", "on")
        .maybe("serial", None::<&str>);
    let text = r#"{"driver":"virtio-blk-pci","id":"image1","bootindex":0,"write-cache":"on"}"#;
    assert_eq!(
        disk.argument(),
        Argument::Text("-device".to_owned(), text.to_owned())
    );
    let (command, arguments) = disk.qmp().expect("it can be plugged in");
    assert_eq!(
        (command, arguments.to_string().as_str()),
        ("device_add", text)
    );
    assert_eq!(Element::option("-fsdev", None).qmp(), None);
}

#[test]
fn what_somebody_wrote_gets_a_type() {
    assert_eq!(typed("on", "bool"), true);
    assert_eq!(typed("on", "OnOffAuto"), "on");
    assert_eq!(typed("0x10", "uint32"), 16);
    assert_eq!(typed("-1", "int32"), -1);
    assert_eq!(typed("many", "uint32"), "many");
    assert_eq!(typed("2M", "size"), 2 << 20);
    assert_eq!(typed("512", "size"), 512);
    assert_eq!(typed("M", "size"), "M");
}

#[test]
fn character_devices_are_nested_for_the_monitor() {
    let shown = |element: &Element| element.qmp().expect("a command").1.to_string();
    let socket = Element::chardev("socket", "c1")
        .with("path", "/run/c1")
        .with("server", true)
        .with("wait", false);
    assert_eq!(
        shown(&socket),
        r#"{"id":"c1","backend":{"type":"socket","data":{"server":true,"wait":false,"addr":{"type":"unix","data":{"path":"/run/c1"}}}}}"#
    );
    assert_eq!(
        shown(&Element::channel("c2")),
        r#"{"id":"c2","backend":{"type":"socket","data":{"addr":{"type":"fd","data":{"str":"c2"}},"server":false}}}"#
    );
    assert_eq!(
        shown(&Element::chardev("file", "c3").with("path", "/run/log")),
        r#"{"id":"c3","backend":{"type":"file","data":{"out":"/run/log"}}}"#
    );
    assert_eq!(
        socket.argument(),
        Argument::Text(
            "-chardev".to_owned(),
            "socket,id=c1,path=/run/c1,server=on,wait=off".to_owned()
        )
    );
    assert_eq!(
        Element::channel("c2").argument(),
        Argument::Channel("c2".to_owned())
    );
}
