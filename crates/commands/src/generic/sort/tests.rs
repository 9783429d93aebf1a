//! SORT: what it locks, and parts of large collections.

use crate::testing::TestServer;

#[test]
fn a_part_of_many_is_as_that_of_all_sorted() {
    let mut server = TestServer::new();
    for number in 0..300 {
        server.run(&format!("RPUSH l {}", number * 7 % 300));
    }
    let all = server.show("SORT l");
    let lines: Vec<&str> = all.lines().map(|line| line.split(") ").nth(1).expect("a number and an element")).collect();
    assert_eq!(lines.len(), 300);
    for (offset, count) in [(0, 1), (0, 10), (5, 1), (100, 50), (290, 10), (290, 20), (299, 1), (0, 300)] {
        let part = server.show(&format!("SORT l LIMIT {offset} {count}"));
        let part: Vec<&str> =
            part.lines().map(|line| line.split(") ").nth(1).expect("a number and an element")).collect();
        assert_eq!(part, lines[offset..(offset + count).min(300)], "LIMIT {offset} {count}");
    }
    assert_eq!(server.show("SORT l DESC LIMIT 0 1"), "1) \"299\"");
}

#[test]
fn a_stored_result_is_one_change() {
    let mut server = TestServer::new();
    server.run("RPUSH l 3 1 2");
    server.run("SET d x EX 100");
    server.events();
    server.journal();
    assert_eq!(server.show("SORT l STORE d"), "(integer) 3");
    assert_eq!(server.events(), ["0 overwritten d", "0 type_changed d", "0 sortstore d"]);
    assert_eq!(server.show("SORT none STORE d"), "(integer) 0");
    assert_eq!(server.events(), ["0 del d"]);
    assert_eq!(server.journal(), ["0 SORT l STORE d", "0 SORT none STORE d"]);
    assert_eq!(server.show("SORT none STORE d"), "(integer) 0");
    assert!(server.events().is_empty() && server.journal().is_empty());
}

#[test]
fn fields_past_their_deadline_weigh_nothing() {
    let mut server = TestServer::new();
    server.run("RPUSH l 1 2");
    server.run("HSET h_1 f 9");
    server.run("HSET h_2 f 5");
    assert_eq!(server.show("SORT l BY h_*->f"), "1) \"2\"\n2) \"1\"");
    server.run("HPEXPIRE h_1 10 FIELDS 1 f");
    server.advance_ms(20);
    assert_eq!(server.show("SORT l BY h_*->f GET # GET h_*->f"), "1) \"1\"\n2) (nil)\n3) \"2\"\n4) \"5\"");
}
