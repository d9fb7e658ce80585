"""Words that company names share with everybody's English, and common people's names: alone, they give nobody away."""

from __future__ import annotations

_WORDS = """
    about above access account accounts acme action active advance advanced adventure affinity after again agency
    agent air alert alliance allied alpha alpine always amber american analytics anchor angel answer apart apex apple
    application april arbor arcade arch archive area arrow art aspect asset assets associates association assured
    atlantic atlas august aurora author auto autumn avenue aviation back balance bank banking base basic bay beach
    beacon bear beauty best beta better beyond big bill bird black block blue board boat body bold bond book border
    bottom boundary box branch brand brave bread break bridge bright brilliant broad brook brother brothers brown bug
    build builder building built bureau business butter button cable cafe call camp canal candle canvas capital card
    care cargo case cash castle catalyst cause cedar center central centre century chain challenge champion chance
    change channel chapter charge chart charter check choice church circle circuit citizen city civic class classic
    clean clear client clinic clock close cloud club coach coast cobalt code codename coffee collective college color
    column comfort command commerce commercial common commons communication communications community compass complete
    computer computers concept concord condition connect connected connection console constant construction consulting
    contact content continental control cool cooperative copper core corner correct cost council count country county
    course court cover craft create creative creek crew critical cross crown crystal culture current customer
    customers cycle daily dairy data date dawn day deal debug decade decision deep default defense delivery delta
    dental deploy design desk detail device devices dialog diamond different digital direct direction discovery
    distribution district doctor dollar domain door double down draft dragon dream drive drop dynamic dynamics eagle
    early earth east eastern easy echo edge education effect electric electronics element elements elite else email
    ember emerald emergency empire employee endeavor energy engine engineering enter enterprise enterprises entity
    equal equity error escape essential estate eternal ever every evolution example excel exchange executive expert
    explorer express extra eye facade face factor factory fair faith falcon family farm farms fashion fast feature
    federal field fields file film final finance financial find fine fire first fish fleet flex flight floor flow
    flower focus follow food foods force forest forge form format forward foundation fountain four fox frame free
    freedom freight fresh friend front frontier fruit fuel full fund fundamental fusion future galaxy gallery game
    garden gate gateway gear general generation genesis gentle giant glass global globe gold golden good grace grain
    grand granite graph gravity great green grid ground group grove grow growth guard guide guild habit half hall hand
    harbor hard hardware harmony harvest haven hawk head health healthcare heart heat heavy height help heritage hero
    high highland hill history hold home honest honor hope horizon hospital host hosts hotel hour house human hunter
    hyper ice icon idea ideal image impact imperial impulse independent index industrial industries industry infinite
    infinity info information infrastructure initial inner innovation input inside insight install instant institute
    insurance integral integrity intelligence inter interactive interface internal international internet invest
    investment investments iron island issue item ivory jade jet join journal journey juice jump junction junior just
    keep kernel key kind king kingdom kit kite know label labs lake lamp land landmark lane language large laser last
    launch law layer lead leader leading leaf league learn learning legacy legal legend letter level liberty library
    life light lighthouse lightning limit line link lion list little live local logic logistics long lotus loyal lucky
    lumber lumen lunar machine magic magnet magnolia mail main major make management manager manufacturing map maple
    marble march marine mark market marketing markets mass master match material materials matrix matter maximum
    meadow measure mechanical media medical medicine medium member memory mercury meridian merit message metal meter
    method metro metropolitan micro middle midnight might mile milk mill mind mineral mining minor mint minute mirror
    mission mist mobile model modern moment momentum monday money monitor moon morning motion motor mountain mouse
    move movement multi museum music mutual name narrow nation national native natural nature navigator near need nest
    network networks neutral never new news next night noble nomad north northern nothing notice nova number oak oasis
    object ocean office offset oil olive omega omni one online open opera operation operations optic optical optimal
    option oracle orange orbit orbital orchard orchestra order organic origin original osprey other outdoor outer
    output outside owl oxygen pacific package page paint palace palm panel panorama paper paradigm parallel park part
    partner partners party pass passage past patch path patient pattern pause payment payments peace peak pearl pebble
    people perfect performance permit person pharma phase phoenix phone photo piece pilot pine pinnacle pioneer pixel
    place plain plan planet plant planting plastic plate platform platinum play plaza point polar policy pond pool
    port portal position positive post power practice prairie precise precision premier premium present press pressure
    price pride primary prime print prism private prize process product production products professional profile
    profit program progress project promise proof proper property prospect protect protection proud provider public
    publish publishing pulse pure purple purpose push pyramid quality quantum quarry quarter quartz queen query quest
    question quick quiet rabbit radar radio rail railway rain rainbow range rapid rate raven reach ready real realty
    reason record recover red reef region regional register release reliable remote rental report request research
    reserve reset resolve resource resources response rest restaurant result retail return reverse review reward rich
    ridge right ring rise river road robin robot rock rocket room root rose round route royal ruby rule run safe
    safety sail sale sales salt same sand sapphire satellite scale school science scope score screen script sea search
    seas season second secret section secure security seed select senior sense sentinel sequence serial series serve
    server service services session seven shadow shape share shared sharp sheet shell shield shine ship shipping shop
    shore short show side sight sigma signal signature silent silver simple single site six sky small smart smooth
    snow social soft software soil solar solid solution solutions sonic sound source south southern space spark
    special spectrum speed sphere spirit splash split sport sports spot spring sprint square stable staff stage
    standard star start state states station status steady steel stellar step still stock stone storage store storm
    story strategic strategy stream street strength string strong structure student studio studios style success sugar
    summer summit sun sunday sunrise super supply support sure surface swan sweet swift symbol symphony system systems
    table target task team tech technical technologies technology tele temple terra test text textile texture theater
    theory thing think third thread three thunder tide tiger timber time titan title today together token tool tools
    top torch total touch tower town track trade trader traders trading tradition traffic trail train training
    transfer transit transport transportation travel tree trend triangle tribe trinity triple true trust twin type
    ultra under union unique unit united unity universal universe university update upper urban user utility valley
    value vanguard vector velocity venture ventures version vertex vertical vessel victory video view village vintage
    violet virtual virtue vision vista vital voice volt volume voyage wagon walk wall ware warehouse water wave way
    wealth weather web well wellness west western wheel white whole wide wild wind window wine wing winter wire wise
    wolf wonder wood woods word work works world yard year yellow yield young zebra zenith zero zone
"""

_PEOPLE = """
    adam adams alan albert alex alexander alexis alice allen allison amanda amy anderson andrea andrew andy angela
    anna anne anthony arthur ashley bailey baker barbara barnes bell ben benjamin bennett betty brandon brenda brian
    brooks bruce bryan butler campbell carl carlos carol carolyn carter catherine charles cheryl chris christian
    christina christine christopher clark cole collins cook cooper cox craig cruz cynthia daniel david davis deborah
    dennis diana diane diaz donald donna dorothy douglas dylan edward edwards elizabeth emily emma eric ethan evans
    evelyn fisher foster frances frank gabriel gary george gloria gomez gonzalez gray gregory griffin gutierrez hannah
    harold harris harrison heath heather helen henderson henry hernandez howard hughes isabella jack jackson jacob
    jacqueline jake james janet janice jason jean jeff jeffrey jenkins jennifer jeremy jerry jesse jessica jimmy joan
    joe john johnny johnson jonathan jones jordan jorge jose joseph joshua joyce juan judith judy julia julie justin
    karen katherine kathleen kathryn kathy keith kelly kenneth kevin kimberly kyle larry laura lauren lawrence lee
    lewis linda lisa logan lopez louis luke madison margaret maria marie marilyn martha martin martinez mary mason
    matt matthew megan melissa michael michelle mike miller mitchell moore morales morgan morris murphy murray myers
    nancy natalie nathan nelson nicholas nicole noah olivia ortiz pamela parker patricia patrick paul perez perry
    peter peterson phillips powell rachel ralph ramirez ramos randy raymond rebecca reed reyes reynolds richard
    richardson rivera robert roberts robinson rodriguez roger rogers ronald ross roy russell ruth ryan samantha samuel
    sanchez sanders sandra sara sarah scott sean sharon shaw shirley simmons smith sofia sophia stephanie stephen
    steve steven stewart sullivan susan taylor teresa terry theresa thomas thompson timothy torres turner tyler
    victoria vincent virginia walker wallace walter ward watson wayne william williams wilson wright zach zachary zoe
"""

ORDINARY_WORDS = frozenset((_WORDS + _PEOPLE).split())
