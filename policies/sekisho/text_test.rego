package sekisho.text_test

test_percentages if {
	data.sekisho.text.percent(3820) == "38.20 %"
	data.sekisho.text.percent(-5) == "-0.05 %"
	data.sekisho.text.percent(0) == "0.00 %"
	data.sekisho.text.percent(123456) == "1234.56 %"
}

test_long_messages_are_cut_by_characters if {
	long := concat("", ["語" | some _ in numbers.range(1, 3000)])
	count(data.sekisho.report.clip(long)) == 2000
}

test_the_worst_check_is_the_finding if {
	checks := {
		data.sekisho.report.check("passed", "a", "", "", ""),
		data.sekisho.report.check("inconclusive", "b", "", "", "mend b"),
		data.sekisho.report.check("missing", "c", "", "", "mend c"),
	}
	found := data.sekisho.report.finding(checks, data.sekisho.report.absent("", "", ""))
	found.status == "missing"
	found.remedy == "mend c"
	found.details == ["b", "c"]
}

test_no_check_is_missing_evidence if {
	nothing := data.sekisho.report.absent("nothing was looked at", "something", "look")
	data.sekisho.report.finding(set(), nothing).status == "missing"
}
