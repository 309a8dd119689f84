/// Takes from a figure what only a file of its own needs: the XML namespace and the style sheet.
///
/// The page must carry [`super::style_sheet`] itself.
pub fn inline(svg: &str) -> String {
    let svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    match (svg.find("<style>"), svg.find("</style>\n")) {
        (Some(start), Some(end)) if start < end => format!("{}{}", &svg[..start], &svg[end + "</style>\n".len()..]),
        _ => svg,
    }
}
