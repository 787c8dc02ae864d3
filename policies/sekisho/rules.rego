# Every rule there is, and whom it concerns. Checked against the rules' METADATA by `sekisho policy check`.
package sekisho.rules

every_kind := {"system", "prompt", "corpus", "index", "agent", "dataset", "suite", "model"}

licensed := {"agent", "index", "corpus", "dataset", "model"}

both := {"promote", "rollback"}

declared := {
	"LIN-01": {"kinds": every_kind, "actions": both},
	"LIN-02": {"kinds": every_kind, "actions": both},
	"LIN-03": {"kinds": every_kind, "actions": both},
	"LIN-04": {"kinds": {"agent", "model"}, "actions": {"promote"}},
	"LIN-05": {"kinds": {"agent", "index"}, "actions": {"promote"}},
	"LIN-06": {"kinds": every_kind, "actions": {"promote"}},
	"LIN-07": {"kinds": every_kind, "actions": {"rollback"}},
	"LIN-08": {"kinds": {"agent", "index", "corpus"}, "actions": {"promote"}},
	"LIN-09": {"kinds": {"agent", "index", "corpus", "dataset", "suite"}, "actions": both},
	"EVA-01": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-02": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-03": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-04": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-05": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-06": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-07": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-08": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-09": {"kinds": {"agent"}, "actions": {"promote"}},
	"EVA-10": {"kinds": {"agent"}, "actions": {"promote"}},
	"FAI-01": {"kinds": {"agent"}, "actions": {"promote"}},
	"FAI-02": {"kinds": {"agent"}, "actions": {"promote"}},
	"FAI-03": {"kinds": {"agent"}, "actions": {"promote"}},
	"FAI-04": {"kinds": {"agent"}, "actions": {"promote"}},
	"FAI-05": {"kinds": {"agent"}, "actions": {"promote"}},
	"FAI-06": {"kinds": {"agent"}, "actions": {"promote"}},
	"LIC-01": {"kinds": licensed, "actions": {"promote"}},
	"LIC-02": {"kinds": licensed, "actions": {"promote"}},
	"DOC-01": {"kinds": {"agent", "system"}, "actions": {"promote"}},
	"DOC-02": {"kinds": {"agent", "system"}, "actions": {"promote"}},
	"DOC-03": {"kinds": {"agent", "system"}, "actions": {"promote"}},
	"DOC-04": {"kinds": {"agent", "system"}, "actions": {"promote"}},
	"DOC-05": {"kinds": {"agent", "system"}, "actions": {"promote"}},
	"OVS-01": {"kinds": every_kind, "actions": {"promote"}},
	"OVS-02": {"kinds": every_kind, "actions": {"promote"}},
	"OPS-01": {"kinds": {"agent"}, "actions": {"promote"}},
	"OPS-02": {"kinds": {"agent"}, "actions": {"promote"}},
	"OPS-03": {"kinds": {"agent"}, "actions": {"promote"}},
	"OPS-04": {"kinds": {"agent"}, "actions": {"promote"}},
	"OPS-05": {"kinds": {"agent"}, "actions": {"promote"}},
}
