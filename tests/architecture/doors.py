"""A contract for import-linter: one app enters another only by its doors."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class DoorsContract(Contract):
    """Every app is a child package of `container`; its rooms are its direct modules.

    `apps.graph.services` may import `apps.users.queries` when `queries` is a door, and not
    `apps.users.models`. An app may be `open_to_all`; single modules may be `more_doors`. What lies
    outside the container (the roof) is free.
    """

    type_name = "doors"

    container = fields.StringField()
    doors = fields.StringField()
    more_doors = fields.StringField()
    open_to_all = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at each import between two apps."""
        apps = graph.find_children(str(self.container))
        doors = set(str(self.doors).split())
        more = set(str(self.more_doors).split())
        broken = []
        for app in sorted(apps - set(str(self.open_to_all).split())):
            allowed = {f"{app}.{door}" for door in doors} | more
            for room in sorted({app, *graph.find_descendants(app)}):
                if any(room == door or room.startswith(f"{door}.") for door in allowed):
                    continue
                broken += [
                    (importer, room)
                    for importer in sorted(graph.find_modules_that_directly_import(room))
                    if importer.startswith(f"{self.container}.")
                    and importer != app
                    and not importer.startswith(f"{app}.")
                ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each forbidden import."""
        for importer, room in check.metadata["broken"]:
            output.print_error(f"{importer} imports {room}: enter by one of: {self.doors}")
